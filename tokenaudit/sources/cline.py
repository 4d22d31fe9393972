"""Cline, Roo Code and Kilo Code tasks (`ui_messages.json`), and Cline's newer sessions (`*.messages.json`).

Both are JSON documents that are written anew.

* Tasks: each ``api_req_started`` is a request, its counts are JSON inside its text and come when it ends. It is named
  by the task's first instant and its own, so that a task copied to another editor counts once. ``deleted_api_reqs``,
  ``api_req_deleted``, ``subagent_usage`` and ``subtask_result`` sum up other requests and are left out.
* What ``tokensIn`` means depends on who wrote it. Cline: input without cache, but for some OpenAI-like providers. Roo
  and Kilo (they tell ``apiProtocol``): input with cache for ``openai``, and since November 2025 for ``anthropic`` too.
  Where it is less than the cache counts it cannot hold them.
* Newer Cline names the model in the entry. Else it is taken from the files beside it: the task's metadata, or the
  environment details that Roo and Kilo write into each prompt. Alone the file tells no model.
* Sessions: ``metrics`` of each message; ``inputTokens`` holds the cache. The totals in the session's other file, which
  fold in sub-agents that have files of their own, are not read.
* The cost is the program's own; 0 tells nothing (a subscription, or a model without a price).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tokenaudit.sources import _events as events
from tokenaudit.sources._cline_task import Task, beside, task_of
from tokenaudit.sources._documents import at, documents, items
from tokenaudit.sources._instant import instant, moment
from tokenaudit.sources._money import estimate
from tokenaudit.sources.source import Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenaudit.sources.head import Head

KINDS = ("say", "ask")
REQUEST = "api_req_started"
TASK = ("tokensIn", "cacheReads", "cacheWrites", "tokensOut")
SESSION = ("inputTokens", "cacheReadTokens", "cacheWriteTokens", "outputTokens")
WITH_CACHE_SINCE = "2025-11-01T00:00:00.000Z"
"""From then on Roo's and Kilo's input holds the cache for every provider."""
WITH_CACHE = frozenset(
    {"openai", "litellm", "doubao", "fireworks", "hicap", "lmstudio", "qwen", "xai", "zai", "openai-compatible"}
)
"""Providers whose input Cline passes on as it comes: with the cache."""
AGENTS = ("lead", "subagent", "teammate")
SUFFIX = ".messages.json"


def detect(head: Head) -> bool:
    """Say whether the first records are messages of a task, or the document is a session."""
    return any(_is_message(record) or _is_session(record) for record in head.records)


def _is_message(record: dict[str, Any]) -> bool:
    kind = record.get("type")
    return kind in KINDS and isinstance(record.get("ts"), int) and isinstance(record.get(kind), str)


def _is_session(record: dict[str, Any]) -> bool:
    return isinstance(record.get("sessionId"), str) and "messages" in record and record.get("agent") in AGENTS


def rows(document: Any, memory: events.Memory) -> Iterator[events.Row]:  # noqa: ANN401 - any JSON
    """Give the rows of a task or of a session."""
    if isinstance(document, dict):
        yield from _session(document, memory.path)
    else:
        yield from _task([message for message in document if isinstance(message, dict)], task_of(memory.path))


# -- tasks ------------------------------------------------------------------------------------------------------------
def _task(messages: list[dict[str, Any]], task: Task) -> Iterator[events.Row]:
    requests = [(line, item) for line, item in enumerate(messages, 1) if item.get("say") == REQUEST]
    first = messages[0].get("ts") if messages else None
    for (line, request), (_, following) in pairwise([*requests, (0, {})]):
        told = next(documents(str(request.get("text") or "{}").encode(), []), None)
        if not isinstance(told, dict):
            yield {"reject": f"{REQUEST} without JSON in its text"}
        elif any(told.get(name) for name in TASK):
            yield _request(request, told, task.before(following.get("ts"))._asdict()) | {
                "identity": f"{first}\x1f{request.get('ts')}",
                "line": line,
                "session": task.name or str(first),
                "project_path": task.directory,
                "origin_rank": 0 if task.name else 1,
            }


def _request(request: dict[str, Any], told: dict[str, Any], used: dict[str, Any]) -> events.Row:
    start, named = moment(request.get("ts")), request.get("modelInfo")
    provider = at(named, "providerId") or used["provider"]
    protocol = told.get("apiProtocol")
    since = start is not None and start >= WITH_CACHE_SINCE
    with_cache = protocol == "openai" or (since if protocol else provider in WITH_CACHE)
    return {
        "charge_period_start": start,
        "request_model": at(named, "modelId") or used["model"],
        "provider": provider,
        **_classes(told, TASK, with_cache=with_cache),
        "reported_cost": estimate(told.get("cost")),
    }


def _classes(told: dict[str, Any], names: tuple[str, ...], *, with_cache: bool) -> events.Row:
    """Return disjoint classes of input, cache reads, cache writes and output; a number that is none makes a reject."""
    try:
        whole, read, written, output = (events.count(told.get(name), name) for name in names)
    except events.UncountedError as error:
        return {"reject": str(error)}
    inside = with_cache and whole >= read + written
    return {
        "uncached_input_tokens": whole - read - written if inside else whole,
        "cache_read_input_tokens": read,
        "cache_creation_5m_input_tokens": written,
        "output_tokens": output,
    }


# -- sessions ---------------------------------------------------------------------------------------------------------
def _session(document: dict[str, Any], path: str) -> Iterator[events.Row]:
    session, manifest = document.get("sessionId"), beside(path, f"{document.get('sessionId')}.json")
    for number, message in enumerate(items(document, "messages"), 1):
        metrics = message.get("metrics") or {}
        if any(at(metrics, name) for name in SESSION):
            start = moment(message.get("ts")) or instant(str(message.get("ts")))
            yield {
                "identity": f"{session}\x1f{message.get('id') or number}\x1f{start}",
                "line": number,
                "charge_period_start": start,
                "session": session,
                "project_path": at(manifest, "cwd"),
                "request_model": at(message, "modelInfo", "id") or at(manifest, "model"),
                "provider": at(message, "modelInfo", "provider") or at(manifest, "provider"),
                **_classes(metrics, SESSION, with_cache=True),
                "reported_cost": estimate(at(metrics, "cost")),
            }


# -- where they are ---------------------------------------------------------------------------------------------------
EXTENSIONS = ("saoudrizwan.claude-dev", "rooveterinaryinc.roo-cline", "kilocode.kilo-code")
EDITORS = ("~/.config/*", "~/Library/Application Support/*", "$APPDATA/*", "~/.vscode-server/data")
"""Visual Studio Code and its relatives: Cursor, Windsurf, VSCodium and others keep the same folders."""

SOURCE = Log(
    name="cline",
    title="Cline, Roo Code and Kilo Code tasks",
    provider=None,
    authority="client",
    detect=detect,
    decode=events.document(rows),
    forms=("document",),
    paths=(
        *(f"{editor}/User/globalStorage/{extension}/tasks" for editor in EDITORS for extension in EXTENSIONS),
        *(f"{data}/{kind}" for data in ("$CLINE_DATA_DIR", "~/.cline/data") for kind in ("tasks", "sessions")),
        "~/.vscode-mock/global-storage/tasks",
    ),
    known="VS Code's globalStorage/<extension>/tasks/*/ui_messages.json, or ~/.cline/data, on each developer's machine",
    tells="tokens and the program's own cost by request, task, model and working directory",
    lacks="the user, requests that were deleted before they were read, and what a subscription covers",
)
