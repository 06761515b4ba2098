"""Networks of the zoo in plain torch, from the same papers, without cnnshape: the judge where nobody prints figures.

What has no weights and keeps the shape is left out, unless it was easier to leave it in.
"""

from zoo_models import classification, dense, generative, sequences, volumes

FAMILIES = (classification, dense, generative, sequences, volumes)
MODELS = {name: made for family in FAMILIES for name, made in family.MODELS.items()}  # (class or function, input)
