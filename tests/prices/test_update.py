"""A user's own copy of the price book: made whole or not at all, used while it is newer, and from no network."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import date
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tokenaudit.cli.main import run
from tokenaudit.errors import PriceError
from tokenaudit.prices.book import DATA, PriceBook, copies, load_book, newest_folder
from tokenaudit.prices.making import published, tables
from tokenaudit.prices.update import reset, update

TODAY = date(2026, 12, 1)
MINE = {
    "acme/rocket-1": {
        "litellm_provider": "acme",
        "mode": "chat",
        "input_cost_per_token": 1.5e-06,
        "output_cost_per_token": 6e-06,
        "input_cost_per_token_above_128k_tokens": 3e-06,
        "output_cost_per_token_batches": 3e-06,
        "cache_creation_input_token_cost": 0.0,
    },
    "acme/free-1": {"litellm_provider": "acme", "input_cost_per_token": 0, "output_cost_per_token": 0},
    "gpt-5": {"litellm_provider": "openai", "input_cost_per_token": 1, "output_cost_per_token": 1},
}
"""A price file of LiteLLM, with a model that no dated source knows."""


def genai_wheel(folder: Path, version: str, changes: dict[str, str] | None = None) -> Path:
    """Write a wheel of genai-prices with what is installed, changed. Skip where it is not installed."""
    try:
        package = distribution("genai-prices")
    except PackageNotFoundError:
        pytest.skip("needs genai-prices, a build-time dependency")
    text = Path(str(package.locate_file("genai_prices/data.py"))).read_text(encoding="utf-8")
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    path = folder / f"genai_prices-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("genai_prices/data.py", text)
    return path


def listed(folder: Path, prices: object = MINE) -> Path:
    """Write a price file of LiteLLM."""
    path = folder / "prices.json"
    path.write_text(json.dumps(prices), encoding="utf-8")
    return path


def copied() -> Path:
    """Lay a newer copy of the bundled book into the user's folder, and return where."""
    folder = copies() / "book-mine"
    shutil.copytree(DATA, folder)
    about = json.loads((folder / "book.json").read_text(encoding="utf-8"))
    about["dated"]["version"] = "98.0.0"
    (folder / "book.json").write_text(json.dumps(about), encoding="utf-8")
    (copies() / "current").write_text(folder.name, encoding="utf-8")
    assert newest_folder() == folder
    return folder


def price(book: PriceBook, seller: str, model: str) -> Decimal:
    """Return the input price of a model in a book, per million tokens."""
    (offer,) = book.offers.filter(seller=seller, price_model=model, variant="standard")["offer"]
    found: Decimal = book.rates.filter(offer=offer, context_tier=0)["uncached_input_tokens"][-1]
    return found * 10**6


def test_a_newer_wheel_counts(tmp_path: Path) -> None:
    """Prices of a newer release replace the bundled ones, our own facts included; its undated ones stay."""
    result = update(genai_wheel(tmp_path, "99.0.0", {"id='o1-pro'": "id='o1-pro-renamed'"}), TODAY)
    assert (result.counts, newest_folder()) == (True, result.folder)
    assert (result.added, result.removed, result.changed) == (2, 2, 0)
    assert load_book().version.startswith("genai-prices 99.0.0, litellm 1.")
    assert load_book().names.find("openai", "o1-pro").price_model == "o1-pro-renamed"
    assert load_book().names.find("azure", "azure/us/gpt-5.4").undated
    assert price(load_book(), "deepseek", "deepseek-v4-pro") == price(load_book(DATA), "deepseek", "deepseek-v4-pro")


def test_an_older_wheel_does_not_count(tmp_path: Path) -> None:
    """The bundled book is newer, and stays in use."""
    result = update(genai_wheel(tmp_path, "0.1.0"), TODAY)
    assert (result.counts, newest_folder()) == (False, DATA)
    assert load_book() is load_book(DATA)


def test_the_installed_package_is_a_source() -> None:
    """Without a file: what is installed beside the program, read and not imported."""
    try:
        installed = distribution("genai-prices").version
    except PackageNotFoundError:
        pytest.skip("needs genai-prices, a build-time dependency")
    result = update(None, TODAY)
    assert (result.added, result.removed, result.changed) == (0, 0, 0)
    assert installed in load_book(result.folder).version


def test_a_price_file_of_litellm_replaces_the_undated_prices(tmp_path: Path) -> None:
    """Models that no dated source knows have its prices; zero is no price; dated prices stay dated."""
    offers = load_book(DATA).undated
    result = update(listed(tmp_path), TODAY)
    assert offers is not None
    assert (result.counts, result.added, result.removed) == (True, 2, offers.offers.height)
    book = load_book()
    assert book.undated is not None
    assert book.undated.offers.select("seller", "price_model", "variant", "tier_1_above").rows() == [
        ("acme", "acme/rocket-1", "standard", 128_000),
        ("acme", "acme/rocket-1", "batch", 128_000),
    ]
    low, high, batch, _ = book.undated.rates.iter_rows(named=True)
    assert (low["uncached_input_tokens"], high["uncached_input_tokens"]) == (Decimal("0.0000015"), Decimal("0.000003"))
    assert (batch["uncached_input_tokens"], batch["output_tokens"]) == (Decimal("0.0000015"), Decimal("0.000003"))
    assert low["cache_creation_5m_input_tokens"] == low["uncached_input_tokens"]
    assert book.names.find("acme", "rocket-1").price_model == "acme/rocket-1"
    assert book.names.find("acme", "free-1").price_model is None
    assert not book.names.find("openai", "gpt-5").undated
    assert book.about["undated"] == {
        "source": "litellm",
        "version": "of 2026-12-01",
        "released": "2026-12-01",
        "url": "https://github.com/BerriAI/litellm",
    }


def test_updates_add_up(tmp_path: Path) -> None:
    """A wheel of one source and then a file of the other: the copy has both."""
    before = update(genai_wheel(tmp_path, "99.0.0"), TODAY)
    result = update(listed(tmp_path), TODAY)
    assert load_book().version.startswith("genai-prices 99.0.0, litellm of 2026-12-01")
    assert sorted(path.name for path in copies().iterdir()) == sorted(
        [before.folder.name, result.folder.name, "current"]
    )


def test_a_book_in_use_stays_readable(tmp_path: Path) -> None:
    """A report that began before an update still finds its tables; copies older than that are removed."""
    oldest = copied()
    for number in (1, 2):
        in_use = load_book()
        update(listed(tmp_path, {f"acme/rocket-{number}": MINE["acme/rocket-1"]}), date(2026, 12, number))
        assert in_use.undated is not None
        assert not in_use.undated.offers.is_empty()
    assert not oldest.exists()


def test_reset_takes_copies_away() -> None:
    """Afterwards the bundled book counts again; there is nothing to take away twice."""
    copied()
    assert (reset(), reset()) == (True, False)
    assert newest_folder() == DATA


def broken(folder: Path, what: str) -> Path:
    """Return a file that cannot be used."""
    wheel = folder / "genai_prices-99.0.0-py3-none-any.whl"
    texts = {
        "code": "import os\nproviders: list = [os.system('true')]",
        "syntax": "providers: list = [",
        "nothing": "",
        "few": "providers: list = [Provider(id='a', models=[ModelInfo(id='m', match=ClauseEquals(equals='m'), "
        "prices=ModelPrice(input_mtok=Decimal('1')))])]",
    }
    if what in texts:
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("genai_prices/data.py", texts[what])
        return wheel
    files = {"json": b"[1, 2]", "text": b"{", "bytes": b"\xff\xfe"}
    path = folder / ("prices.json" if what in files else f"{what}.whl")
    path.write_bytes(files.get(what, b"no zip"))
    return path


@pytest.mark.parametrize("what", ["code", "syntax", "nothing", "few", "json", "text", "bytes", "zip"])
def test_what_cannot_be_used_changes_nothing(tmp_path: Path, what: str) -> None:
    """It ends in one sentence, and the copy that is there stays in use."""
    before = copied()
    with pytest.raises(PriceError):
        update(broken(tmp_path, what), TODAY)
    assert newest_folder() == before
    assert copies().joinpath("current").read_text(encoding="utf-8") == before.name


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error says which."""
    with pytest.raises(PriceError, match=r"cannot read `.*nowhere\.whl`"):
        update(tmp_path / "nowhere.whl", TODAY)


def test_negative_prices_are_refused(tmp_path: Path) -> None:
    """A price below zero, or of more than a dollar a token, is a mistake in the file."""
    dear = {"acme/dear": {"litellm_provider": "acme", "input_cost_per_token": 2.5, "output_cost_per_token": 2.5}}
    with pytest.raises(PriceError, match="above a dollar"):
        update(listed(tmp_path, dear), TODAY)
    assert not copies().exists()


def test_a_write_that_fails_leaves_the_old_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new copy is named in the last step; until then the old one counts."""
    before = copied()

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables, "write", full)
    with pytest.raises(PriceError, match="No space left"):
        update(listed(tmp_path), TODAY)
    assert newest_folder() == before


@pytest.mark.parametrize("text", ["", "nowhere", "../../etc"])
def test_a_broken_copy_is_passed_over(text: str) -> None:
    """A pointer that leads nowhere means the bundled book."""
    copies().mkdir(parents=True)
    (copies() / "current").write_text(text, encoding="utf-8")
    assert newest_folder() == DATA


def test_copies_of_another_format_are_passed_over() -> None:
    """A copy that this version cannot read does not count, however new."""
    folder = copied()
    about = json.loads((folder / "book.json").read_text(encoding="utf-8"))
    moved = folder.with_name("book-other")
    folder.rename(moved)
    (moved / "book.json").write_text(json.dumps({**about, "format": 1}), encoding="utf-8")
    (copies() / "current").write_text(moved.name, encoding="utf-8")
    assert newest_folder() == DATA


def test_published_prices_are_read_without_running_them() -> None:
    """Only literals and the calls that make prices are understood; anything else is refused."""
    text = (
        "providers: list[Provider] = [Provider(id='p', models=[ModelInfo(id='m', match=ClauseOr(or_=["
        "ClauseEquals(equals='m'), ClauseRegex(regex='^n')]), prices=[ConditionalPrice(prices=ModelPrice("
        "input_mtok=TieredPrices(base=Decimal('1'), tiers=[Tier(start=10, price=Decimal('2'))]))), "
        "ConditionalPrice(constraint=StartDateConstraint(start_date=datetime.date(2026, 1, 2)), "
        "prices=ModelPrice(input_mtok=Decimal('3')))])])]"
    )
    (provider,) = published.read(text)
    (model,) = provider.models
    assert model.prices[0][1] == {"input_mtok": published.Tiered(Decimal(1), ((10, Decimal(2)),))}
    assert model.prices[1] == (date(2026, 1, 2), {"input_mtok": Decimal(3)})
    assert [provider.find(name) is model for name in ("m", "nn", "x")] == [True, True, False]
    with pytest.raises(PriceError, match="no prices as genai-prices publishes them"):
        published.read("providers: list = [__import__('os').getcwd()]")


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A copy is made and told, and taken back; without a word where from, or with a broken file, nothing happens."""
    assert run(["prices", "update"]) == 2
    assert "say where the prices are" in capsys.readouterr().err
    broken = tmp_path / "prices.json"
    broken.write_text("[1", encoding="utf-8")
    assert run(["prices", "update", "--from", str(broken)]) == 2
    assert newest_folder() == DATA
    file = str(genai_wheel(tmp_path, "99.0.0"))
    assert run(["prices", "update", "--from", file, "--as-of", "2026-12-01"]) == 0
    assert "Reports use it from now on." in capsys.readouterr().err
    assert newest_folder() != DATA
    assert run(["prices", "update", "--reset"]) == 0
    assert newest_folder() == DATA
