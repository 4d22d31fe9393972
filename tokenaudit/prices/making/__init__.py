"""How the price book is made: published data and our own facts to tables. Only building and updating import this.

`published` reads what genai-prices and LiteLLM publish, without running any of it. `rates`, `variants` and `facts` make
of it what each token costs, when, and how it was bought; `names` and `undated` who calls it what; `tables` writes it
all down.
"""

from __future__ import annotations
