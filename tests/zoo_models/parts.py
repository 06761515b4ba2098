"""What several networks are made of."""

from torch import nn


def conv_bn_relu(i, o, k=3, stride=1, dilation=1, groups=1):
    padding = dilation * (k // 2)
    conv = nn.Conv2d(i, o, k, stride, padding, dilation, groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(o), nn.ReLU())


def centre(x, like):
    """Crop x to the sides of another."""
    for axis, side in enumerate(like.shape[2:], start=2):
        x = x.narrow(axis, (x.shape[axis] - side) // 2, side)
    return x


class Residual(nn.Module):
    """A path added to a shortcut, and a ReLU; the shortcut is a 1x1 convolution where the shape changes."""

    def __init__(self, path, i, o, stride):
        super().__init__()
        self.path, self.shortcut = path, nn.Identity()
        if i != o or stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        return (self.path(x) + self.shortcut(x)).relu()


def bottleneck(i, width, o, stride=1, dilation=1, groups=1):
    middle = conv_bn_relu(width, width, 3, stride, dilation, groups)
    last = nn.Conv2d(width, o, 1, bias=False), nn.BatchNorm2d(o)
    return Residual(nn.Sequential(conv_bn_relu(i, width, 1), middle, *last), i, o, stride)


def resnet50_stages(dilations=((1,) * 3, (1,) * 4, (1,) * 6, (1,) * 3), strides=(1, 2, 2, 2)):
    """The stem and the four stages, each a module; `dilations` has one for each unit."""
    stages, i = [nn.Sequential(conv_bn_relu(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1))], 64
    for width, stride, units in zip((64, 128, 256, 512), strides, dilations, strict=True):
        stage = nn.Sequential()
        for unit, dilation in enumerate(units):
            stage.append(bottleneck(i, width, 4 * width, 1 if unit else stride, dilation))
            i = 4 * width
        stages.append(stage)
    return nn.ModuleList(stages)
