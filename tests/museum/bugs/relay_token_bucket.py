"""Bugs of `reactor/relay/token_bucket.py`."""

from reactor.relay.token_bucket import TokenBucket
from tests.museum.bug import Function, Patch, bug, instead_of


@bug(36, "tokens gather without a bound while nothing happens")
def _(patch: Patch) -> None:
    @instead_of(patch, TokenBucket, "__init__")
    def _(init: Function, bucket: TokenBucket, burst: int, rate: float) -> None:
        init(bucket, 1_000_000, rate)


@bug(36, "the bucket is filled once and never again")
def _(patch: Patch) -> None:
    @instead_of(patch, TokenBucket, "__init__")
    def _(init: Function, bucket: TokenBucket, burst: int, rate: float) -> None:
        init(bucket, burst, 1e-9)


@bug(36, "a token is looked at, not taken")
def _(patch: Patch) -> None:
    @instead_of(patch, TokenBucket, "take")
    def _(take: Function, bucket: TokenBucket, now: float) -> bool:
        return True
