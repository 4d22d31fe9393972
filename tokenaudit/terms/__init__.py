"""What the configuration says of money: prices of one's own, agreements with vendors, exchange rates.

`records` holds the tables, `read` makes them of TOML and names every mistake, `spans` knows their days and periods.
Loaded only where a configuration holds such tables.
"""

from __future__ import annotations
