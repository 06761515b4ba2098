from inspect import cleandoc
def summary(kind):
    return cleandoc(kind.__doc__ or "").partition("\n")[0]
