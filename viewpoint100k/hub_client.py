"""The Hub's client, with patience, and with errors that say what to do and never show a token."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from viewpoint100k.errors import InputError, MissingExtra, ViewpointError

PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # between tries, while the Hub is busy or out of reach
BUSY = {408, 409, 425, 429, 500, 502, 503, 504}

T = TypeVar("T")


def hub_api() -> Any:
    """The client.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise MissingExtra(
            "publishing needs huggingface_hub: pip install 'viewpoint100k[publish]'"
        ) from error
    return HfApi(library_name="viewpoint100k")


def quiet() -> None:
    """Our progress bar is the only one."""
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()


def patiently(call: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Call, and call again later if the Hub is busy or unreachable: every call here may be repeated."""
    return _again(PAUSES_S, call, *arguments, **named)


def _again(pauses_s: Sequence[float], call: Callable[..., T], *arguments: Any, **named: Any) -> T:
    for pause_s in pauses_s:
        try:
            return call(*arguments, **named)
        except Exception as error:
            if not may_pass(error):
                raise
            time.sleep(asked_pause_s(error) or pause_s)
    return call(*arguments, **named)


def reach(repo_id: str) -> None:
    """Fail soon where there is no way to the Hub at all."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        _again(PAUSES_S[:2], hub_api().repo_info, repo_id, repo_type="dataset")
    except HfHubHTTPError:
        pass  # it answers; what it says is asked for again, patiently


class HubLook(NamedTuple):
    """What `look_at_hub` saw. No token is in it."""

    endpoint: str
    has_token: bool
    offline: bool = False  # the client is told to ask nobody
    status: int | None = None  # of its answer; None: it did not answer
    role: str = ""  # of the token, such as `write`
    error: str = ""  # why it did not answer


def look_at_hub(timeout_s: float) -> HubLook:
    """Ask the Hub who we are, once, and wait no longer than this.

    Raises:
        MissingExtra: the client is not installed.
    """
    hub_api()
    from huggingface_hub import constants, get_token
    from huggingface_hub.utils import build_hf_headers, get_session

    seen = HubLook(re.sub(r"//[^/@]*@", "//", constants.ENDPOINT), get_token() is not None)
    if constants.HF_HUB_OFFLINE:
        return seen._replace(offline=True)
    answers = list[HubLook]()

    def ask() -> None:
        url = f"{constants.ENDPOINT}/api/whoami-v2"
        try:
            answer = get_session().get(
                url, headers=build_hf_headers(library_name="viewpoint100k"), timeout=timeout_s
            )
            auth = answer.json().get("auth") if answer.status_code == 200 else None
            role = str(((auth or {}).get("accessToken") or {}).get("role", ""))
            answers.append(seen._replace(status=answer.status_code, role=role))
        except Exception as error:
            answers.append(seen._replace(error=_without_token(error)))

    # a thread that may be left behind, because looking up a name knows no timeout
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(2 * timeout_s)
    return answers[0] if answers else seen._replace(error=f"no answer in {2 * timeout_s:.0f} s")


def may_pass(error: Exception) -> bool:
    """Whether the same call may well succeed a little later."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return False
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code if error.response is not None else 0
        return status in BUSY
    return _is_network(error)


def asked_pause_s(error: Exception) -> float | None:
    """What the Hub itself asks for, within reason."""
    answer = getattr(error, "response", error)  # an HTTPError of the standard library is its own answer
    headers = getattr(answer, "headers", None) or {}
    text = headers.get("Retry-After", "")
    return min(float(text), 120.0) if re.fullmatch(r"\d+", text) else None


def _is_network(error: Exception) -> bool:
    """What the client and its Xet half raise when a connection fails."""
    from huggingface_hub import errors

    kinds = (errors.HTTPError, ConnectionError, TimeoutError)  # type: ignore[attr-defined]
    # Xet, in Rust, raises plain RuntimeErrors
    return isinstance(error, kinds) or (
        isinstance(error, RuntimeError) and not isinstance(error, NotImplementedError)
    )


@contextmanager
def hub_errors(repo_id: str) -> Iterator[None]:
    """Turn what the client raises into one line that says what to do, and never shows a token."""
    api = hub_api()  # raises, where the client is missing
    from huggingface_hub import constants, get_token
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HfHubHTTPError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    if get_token() is None:
        raise InputError(
            "there is no token for the Hub. Log in with `hf auth login`, or set HF_TOKEN, with a token "
            f"that may write (made at {api.endpoint}/settings/tokens)"
        )
    try:
        yield
    except ViewpointError:
        raise
    except (LocalTokenNotFoundError, OfflineModeIsEnabled) as error:
        raise InputError(
            f"the client may not ask the Hub: {_without_token(error)}. Is HF_HUB_OFFLINE set?"
        ) from error
    except HfHubHTTPError as error:
        raise _refused(repo_id, error) from error
    except EntryNotFoundError as error:
        raise ViewpointError(
            f"{repo_id} was changed by somebody else in the meantime. Run the command again"
        ) from error
    except Exception as error:
        if not _is_network(error):
            raise
        raise InputError(
            f"cannot reach {constants.ENDPOINT}: {_without_token(error)}. Check the network and "
            "HF_ENDPOINT, then run the same command again: what was sent is kept"
        ) from error


def _refused(repo_id: str, error: Any) -> ViewpointError:
    status = error.response.status_code if error.response is not None else 0
    owner = repo_id.split("/")[0]
    said = _without_token(getattr(error, "server_message", None) or error)
    if status == 401:
        return InputError(
            "the Hub does not know your token (401). Log in again with `hf auth login`, or correct "
            f"HF_TOKEN; for {repo_id} it must be one that may write"
        )
    if status == 403:
        return InputError(
            f"your token may not write to {repo_id} (403: {said}). Use a token with the role `write`, and "
            f"be a member of {owner} who may write; or publish under your own name"
        )
    if status == 404:
        return InputError(
            f"{repo_id} is not there, or your token may not see it (404: {said}). Check its name, and that "
            f"{owner} exists and you are a member of it"
        )
    if status == 412:
        return ViewpointError(
            f"{repo_id} was changed by somebody else in the meantime (412). Look at it, then run the "
            "command again"
        )
    if status in BUSY:
        return ViewpointError(
            f"the Hub is too busy ({status}: {said}). Run the same command again later: what was sent is kept"
        )
    return ViewpointError(f"the Hub refused ({status}: {said})")


def _without_token(error: object) -> str:
    """One line of an error's text."""
    from huggingface_hub import get_token

    text = " ".join(str(error).split())[:300] or type(error).__name__
    token = get_token()
    text = re.sub(r"(//)[^/@\s]*@|(Bearer\s).*", r"\1\2", text)  # a password in an address, a header
    return re.sub(r"hf_\w{8,}", "hf_...", text.replace(token, "...") if token else text)
