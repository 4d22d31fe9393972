"""The price book: what a token costs, of which model, at which seller, since when.

`book` holds the bundled tables, `names` finds the model that a logged name means, `spelling` knows how names are
decorated. `tokenaudit.charges` puts prices on usage.
"""

from __future__ import annotations
