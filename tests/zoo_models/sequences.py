"""CRNN, as meijieru/crnn.pytorch has it; the classes of a step, the batch first."""

from torch import nn


class Recognizer(nn.Module):
    def __init__(self):
        super().__init__()
        flat = {"kernel_size": 2, "stride": (2, 1), "padding": (0, 1)}
        self.columns = nn.Sequential(
            *(nn.Conv2d(1, 64, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(64, 128, 3, padding=1), nn.MaxPool2d(2)),
            *(nn.Conv2d(128, 256, 3, padding=1), nn.BatchNorm2d(256)),
            *(nn.Conv2d(256, 256, 3, padding=1), nn.MaxPool2d(**flat)),
            *(nn.Conv2d(256, 512, 3, padding=1), nn.BatchNorm2d(512)),
            *(nn.Conv2d(512, 512, 3, padding=1), nn.MaxPool2d(**flat)),
            *(nn.Conv2d(512, 512, 2), nn.BatchNorm2d(512)),
        )
        self.reads = nn.ModuleList(nn.LSTM(n, 256, bidirectional=True, batch_first=True) for n in (512, 256))
        self.embeds = nn.ModuleList(nn.Linear(512, n) for n in (256, 37))

    def forward(self, x):
        x = self.columns(x).squeeze(2).transpose(1, 2)
        for read, embed in zip(self.reads, self.embeds, strict=True):
            x = embed(read(x)[0])
        return x


MODELS = {"crnn": (Recognizer, (1, 32, 100))}
