"""The plain script as a side."""

from __future__ import annotations

from bench.race import Work


def clean(table: dict[str, str], workers: int, threads: int, batch: int = 32) -> Work:
    """Run the plain script over files by name, with a fixed number of workers and threads."""
    import torch

    from bench.plain_clean import network, predict

    torch.set_num_threads(threads)
    net, paths = network(), list(table.values())

    def answer(found: list[int]) -> dict[str, int]:
        return dict(zip(table, found, strict=True))

    def over(some: list[str]) -> list[int]:
        return predict(net, some, workers=workers, batch=batch)

    return Work(lambda: over(paths), warm=lambda: over(paths[: 2 * batch]), answer=answer)
