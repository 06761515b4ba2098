"""Models with recurrent layers, time first."""

import torch
from torch import nn


class BothWays(nn.Module):
    """Reads the steps in both directions, and embeds each of them: all steps of all samples as one batch."""

    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.lstm = nn.LSTM(n_in, n_hidden, bidirectional=True)
        self.fc = nn.Linear(2 * n_hidden, n_out)

    def forward(self, x):
        out, _ = self.lstm(x)
        t, b, h = out.size()
        return self.fc(out.view(t * b, h)).view(t, b, -1)


class CRNN(nn.Module):
    """As the most copied code has it: the image's columns become steps; what comes out is (time, batch, classes)."""

    widths = (64, 128, 256, 256, 512, 512, 512)

    def __init__(self, classes=37, hidden=256):
        super().__init__()
        self.cnn = nn.Sequential()
        n_in = 1
        for i, n_out in enumerate(self.widths):
            last = i == len(self.widths) - 1
            self.cnn.add_module(f"conv{i}", nn.Conv2d(n_in, n_out, 2 if last else 3, 1, 0 if last else 1))
            if i in {2, 4, 6}:
                self.cnn.add_module(f"norm{i}", nn.BatchNorm2d(n_out))
            self.cnn.add_module(f"relu{i}", nn.ReLU(inplace=True))
            if i in {0, 1}:
                self.cnn.add_module(f"pool{i}", nn.MaxPool2d(2, 2))
            if i in {3, 5}:
                self.cnn.add_module(f"pool{i}", nn.MaxPool2d((2, 2), (2, 1), (0, 1)))
            n_in = n_out
        self.rnn = nn.Sequential(BothWays(512, hidden, hidden), BothWays(hidden, hidden, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.cnn(x)
        assert features.size(2) == 1, "one row must be left"
        return self.rnn(features.squeeze(2).permute(2, 0, 1))
