"""The page in a real Chromium: quiet, offline, readable by everybody, and harmless whatever it holds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from jobs import report_words as words
from jobs.load import load_config
from jobs.report import ReportOptions, render, report_job
from jobs.report_record import Report
from jobs.sql import query
from tests.report.hostile import write_hostile
from tests.report.weeks import Weeks

pytestmark = pytest.mark.slow
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-pings")
GRAVE = ("serious", "critical")
LOOKS = [(width, scheme) for width in (1440, 390) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or what CHROMIUM names. In CI its absence is a failure."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None and os.environ.get("CI") != "true":
        pytest.skip("no Chromium: install the package chromium, or set CHROMIUM to the program")
    assert program is not None, "no Chromium: .ci/chromium installs it"
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=list(FLAGS), headless=True)
        yield running
        running.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def whole(folder: Path, report: Report) -> Path:
    """The file of a page with everything on it."""
    return _written(folder, "whole", report)


@pytest.fixture(scope="module")
def hostile(folder: Path) -> Path:
    """The file of a page on which everybody lies."""
    return _written(folder, "hostile", report_job(write_hostile(folder), ReportOptions(since=date(2026, 3, 3))))


@pytest.fixture(scope="module")
def empty(folder: Path, weeks: Weeks) -> Path:
    options = ReportOptions(since=date(2027, 1, 1), until=date(2027, 1, 2))
    return _written(folder, "empty", report_job(load_config(weeks.config), options))


def _written(folder: Path, name: str, report: Report) -> Path:
    path = folder / f"{name}.html"
    path.write_text(render(report, "html"), encoding="utf-8")
    return path


@contextmanager
def shown(browser: Browser, path: Path, width: int = 1440, scheme: str = "light") -> Iterator[Page]:
    """The page in a window of this width, offline. Whatever it says on the console or asks for is a failure."""
    view = ViewportSize(width=width, height=900)
    with browser.new_context(viewport=view, color_scheme=scheme, offline=True) as context:  # type: ignore[arg-type]
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: said.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri(), wait_until="load")
        yield page
        assert said == []


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")


@pytest.mark.parametrize("name", ["whole", "hostile", "empty"])
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_it_opens_quietly_and_fits(
    browser: Browser, request: pytest.FixtureRequest, name: str, width: int, scheme: str
) -> None:
    with shown(browser, request.getfixturevalue(name), width, scheme) as page:
        unfold(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.title().endswith("content audit, " + page.locator("h1").inner_text())


@pytest.mark.parametrize("name", ["whole", "hostile", "empty"])
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_nobody_is_kept_from_reading_it(
    browser: Browser, request: pytest.FixtureRequest, name: str, width: int, scheme: str
) -> None:
    with shown(browser, request.getfixturevalue(name), width, scheme) as page:
        unfold(page)
        found = Axe().run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"][:300]) for each in found if each["impact"] in GRAVE] == []


def test_the_figures_are_those_of_plain_sql(browser: Browser, whole: Path, weeks: Weeks) -> None:
    sql = (
        "SELECT policy_id, count(*) AS n, count(*) FILTER (violation) AS hits FROM verdicts "
        "WHERE audit_day BETWEEN '2026-11-16' AND '2026-11-22' GROUP BY policy_id"
    )
    counted = {row["policy_id"]: (row["n"], row["hits"]) for row in query(weeks.sink, sql).to_pylist()}
    with shown(browser, whole) as page:
        table = page.locator("#policies table").first.locator("tbody tr")
        for row in table.all():
            name = row.locator("th a").inner_text()
            n, hits = counted.pop(name)
            cells = row.locator("td").all_inner_texts()
            assert cells[0].startswith(words.percent(hits / n))
            assert cells[3:] == [f"{n:,}", f"{hits:,}"]
        assert not counted
        keys = page.locator(".keys dd").all_inner_texts()
    ((cases, verdicts),) = (
        query(
            weeks.sink,
            "SELECT count(*), count(*) FILTER (status = 'verdict') FROM outcomes WHERE audit_day >= '2026-11-16'",
        )
        .to_pandas()
        .itertuples(index=False)
    )
    assert keys[0].endswith(f"{cases:,} cases")
    assert keys[1].startswith(f"{verdicts:,}")


def test_content_is_blurred_until_it_is_asked_for(browser: Browser, whole: Path) -> None:
    with shown(browser, whole) as page:
        veiled = page.locator(".veiled").first
        blurred = "each => getComputedStyle(each).filter"
        assert veiled.locator(".text").evaluate(blurred) != "none"
        page.emulate_media(media="print")
        assert not veiled.locator(".text").is_visible()
        page.emulate_media(media="screen")
        veiled.get_by_label("Show content and rationale").check()
        assert veiled.locator(".text").evaluate(blurred) == "none"
        page.emulate_media(media="print")
        assert veiled.locator(".text").is_visible()


def test_it_prints(browser: Browser, whole: Path, hostile: Path, empty: Path) -> None:
    for path in (whole, hostile, empty):
        with shown(browser, path) as page:
            printed = page.pdf(format="A4", print_background=True)
        assert printed.startswith(b"%PDF-")
        assert printed.count(b"/Type /Page\n") >= 1


def test_plots_have_axes_with_units_intervals_and_the_readers_colours(browser: Browser, whole: Path) -> None:
    colours = []
    for scheme in ("light", "dark"):
        with shown(browser, whole, scheme=scheme) as page:
            plots = page.locator(".plot")
            words_of = plots.evaluate_all("all => all.map(each => each.textContent)")
            colours.append(page.locator('.plot [stroke="#0072b2"]').first.evaluate("e => getComputedStyle(e).stroke"))
            bars = page.locator('#p1 .plot .mark-rule line[stroke="#0072b2"]').count()
    assert len(words_of) == 3 * 2 + 2
    assert all("flagged, % of verdicts" in text and "day (UTC)" in text for text in words_of[0:6:2])
    assert all("score: P(violation)" in text and "verdicts (log scale)" in text for text in words_of[1:6:2])
    assert "percentage points" in words_of[6]
    assert "tokens" in words_of[7]
    assert bars == 7
    assert len(set(colours)) == 2


def test_what_attackers_wrote_is_only_read(browser: Browser, hostile: Path) -> None:
    with shown(browser, hostile) as page:
        unfold(page)
        for box in page.get_by_label("Show content and rationale").all():
            box.check()
        page.wait_for_timeout(200)
        assert "owned" not in page.title()
        quoted = page.locator("blockquote").all_inner_texts()
        assert any("<script>document.title='owned'</script>" in text for text in quoted)
        assert any("\\u202e" in text for text in quoted)
        assert all(len(text) < 1500 for text in quoted)
        assert page.locator("script, img, iframe, object, embed, link").count() == 0
