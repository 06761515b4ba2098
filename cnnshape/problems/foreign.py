"""The words of papers, Keras, TensorFlow, Caffe, Darknet and ONNX, by ours: data for suggestions.

Words are in lower case, without `_` and dimension: Conv2DTranspose is convtranspose. A word that stands for several of
ours stands for the first that the layer takes. Imported once something is unknown.
"""

from __future__ import annotations

from typing import Final

TYPES: Final = {
    "linear": "fc dense fullyconnected innerproduct gemm connected addmm",
    "conv": "convolution convolutional",
    "conv_transpose": "deconv deconvolution deconvolutional transposedconv convtransposed transposeconv upconv",
    "max_pool": "pool pooling maxpooling maximumpool",
    "avg_pool": "averagepool averagepooling meanpool",
    "adaptive_avg_pool": "adaptiveaveragepool",
    "global_avg_pool": "gap globalaveragepool globalaveragepooling globalmeanpool mean reducemean spatialmean",
    "global_max_pool": "gmp globalmaxpooling reducemax",
    "max_unpool": "unpool unpooling maxunpooling",
    "batch_norm": "bn batchnormalization batchnormalize",
    "group_norm": "gn groupnormalization",
    "instance_norm": "instancenormalization",
    "layer_norm": "ln layernormalization",
    "local_response_norm": "lrn normalization crosschannellrn localresponsenormalization",
    "silu": "swish",
    "hardswish": "hswish",
    "hardsigmoid": "hsigmoid",
    "leaky_relu": "leaky lrelu",
    "hardtanh": "clip clamp",
    "dropout": "spatialdropout featuredropout alphadropout",
    "upsample": "resize resizebilinear interpolate interp upsampling upscale",
    "concat": "cat concatenate depthconcat route",
    "add": "plus sum eltwise shortcut residual",
    "sub": "subtract minus",
    "mul": "multiply times prod product",
    "scale": "layerscale gamma",
    "bias": "biasadd addbias",
    "pad": "zeropad zeropadding padding constantpad reflectionpad replicationpad circularpad",
    "crop": "cropping centercrop",
    "flatten": "ravel flat",
    "reshape": "view",
    "slice": "stridedslice narrow",
    "select": "gather",
    "permute": "transpose swapaxes movedim",
    "reduce": "reducesum reducemin amax amin",
    "matmul": "dot bmm",
    "div": "divide",
    "pixel_shuffle": "subpixel subpixelconv",
    "pixel_unshuffle": "reorg",
    "attention": "multiheadattention selfattention mha",
    "lstm": "cudnnlstm",
    "gru": "cudnngru",
    "rnn": "simplernn elmanrnn",
}

KEYS: Final = {
    "out_channels": "filters numfilters numoutput outputchannels outplanes planes channels nfilters",
    "out_features": "units numoutput outputdim outdim nout output",
    "in_channels": "inputchannels inplanes inputdim",
    "in_features": "inputdim indim nin inputsize",
    "hidden_size": "units hiddendim numunits numoutput",
    "kernel_size": "poolsize windowsize window size kernel kernelshape ksize filtersize",
    "stride": "strides subsample",
    "padding": "pad pads autopad paddings",
    "dilation": "rate dilationrate dilations atrous atrousrate",
    "groups": "group numgroups cardinality",
    "num_groups": "group groups",
    "bias": "usebias biasterm withbias",
    "eps": "epsilon varianceepsilon",
    "p": "rate ratio dropoutratio dropoutrate dropprob probability prob",
    "negative_slope": "alpha slope",
    "dim": "axis axes concataxis",
    "start_dim": "axis",
    "shape": "targetshape newshape dims size",
    "dims": "perm permutation order axes",
    "scale_factor": "scale scales factor",
    "upscale_factor": "factor blocksize scale",
    "downscale_factor": "factor blocksize scale",
    "mode": "interpolation",
    "size": "localsize n depthradius",
    "output_size": "output outsize",
    "value": "constantvalue constant fill",
    "start": "begin starts offset",
    "stop": "end ends",
    "step": "steps stride strides",
    "amount": "cropping border",
    "num_heads": "heads nhead nheads",
    "embed_dim": "dmodel embeddim hiddensize",
    "num_layers": "nlayers layers depth",
    "over": "batchfirst timemajor axis axes dim dims",
    "returns": "returnsequences output",
    "from": "bottom inbound inboundnodes input inputs layers",
    "name": "id top label",
    "type": "kind op optype layer layertype class classname",
    "repeat": "n times repeats number copies",
    "when": "if condition enabled",
    "shares": "shared share tied",
    "expect": "outputshape outshape expected output",
}

VALUES: Final = {
    "same_upper": "same",
    "same": "same",
    "nearest": "nearestneighbor nearestneighbour",
    "bicubic": "cubic",
    "replicate": "edge border",
    "reflect": "mirror symmetric",
    "circular": "wrap periodic",
    "zeros": "zero constant",
    "constant": "zero zeros",
    "none": "erf exact",
    "all": "full",
    "channels": "channel",
    "channels_first": "nchw chw ncdhw ncl theano",
    "channels_last": "nhwc hwc ndhwc nlc tensorflow",
}

NO_TYPES: Final = {  # a word for a type that is no single one of ours, and what to write
    "separableconv": 'write a conv with groups = "in_channels", and one with kernel_size = 1 behind it',
    "depthwiseconv": 'write a conv with groups = "in_channels"',
    "pointwiseconv": "write a conv with kernel_size = 1",
    "activation": "write the activation itself as the type",
    "input": "an input is no layer: write input = [3, 224, 224] at the top of the file",
    "inputlayer": "an input is no layer: write input = [3, 224, 224] at the top of the file",
    "split": "write a slice for each part",
    **{
        name: f'write type = "function", function = "{name}"'
        for name in ("abs", "cos", "exp", "log", "neg", "pow", "reciprocal", "round", "sign", "sin", "sqrt", "square")
    },
}

TIME: Final = "a shape has no batch: write over = 1 where time comes first, as in [L, C], and over = 2 for [C, L]"
NO_KEYS: Final = {  # a word for a key that we do not have, and what to write; KEYS may have it for the key that is then given
    "activation": "an activation is a layer of its own, behind this one",
    "activationfn": "an activation is a layer of its own, behind this one",
    "batchnormalize": "a batch_norm is a layer of its own, behind this one",
    "keepprob": "write p = 1 - keep_prob",
    "trainable": "write frozen = true where it is false",
    "batchfirst": TIME,
    "timemajor": TIME,
    "returnsequences": 'write returns = "sequence" where it is true, and returns = "last" where it is false',
    "halfpixelcenters": "write align_corners, which is false where this is true",
    "inplace": "it changes no shape: leave it out",
    "kernelinitializer": "weights have no values here: leave it out",
    "datatype": "numbers have no precision here: leave it out",
    "dtype": "numbers have no precision here: leave it out",
}

OURS: Final = {"type": TYPES, "key": KEYS, "value": VALUES}  # by kind
WITHOUT: Final[dict[str, dict[str, str]]] = {"type": NO_TYPES, "key": NO_KEYS, "value": {}}
