"""The parts of the customer model, in the order in which they score. A part may read what earlier parts published."""

from ml.customers.audiences import Audiences
from ml.customers.offers import OffersPart
from ml.customers.part import Part
from ml.customers.predictions import Predictions
from ml.customers.segments import Segments
from ml.customers.tags import Tags
from ml.customers.taste import Taste

PARTS: tuple[Part, ...] = (
    Predictions(),
    Audiences(),
    Tags(),
    Taste(),
    Segments(),
    OffersPart(),
)
