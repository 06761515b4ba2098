import pytest
import torch
from cifar.model import CifarNet


def test_the_model_is_what_the_file_says(assert_shapes):
    assert_shapes(CifarNet(), "architectures/cifar.toml")


@pytest.mark.cnnshape_sizes("architectures/cifar.toml", n=4)
def test_it_takes_every_size_that_the_file_allows(shape):
    model = CifarNet().eval()
    assert model(torch.zeros(1, *shape)).shape == (1, 10)


@pytest.mark.cnnshape("architectures/*.toml")
def test_files_have_a_source(net):
    assert net.source
