"""PNG: chunks to IEND; the chunks that hold pixels must have the checksum they claim."""

from __future__ import annotations

from zlib import crc32

from roadworthy.pipeline.containers.base import Header, counted, damaged, inflated, truncated

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def inspect(data: bytes) -> Header:
    """Read the size of a PNG and walk its chunks to IEND; raises SampleError if one is not whole.

    Only critical chunks are passed on: transparency, gamma, profiles, texts and the later frames of
    an animation are left behind, so that all decoders see the same plain picture.
    """
    kept, exif, icc, clear, size = [SIGNATURE], b"", b"", b"", None
    position, chunks, pictures = len(SIGNATURE), 0, 0
    while True:
        chunks = counted("PNG", chunks)
        length = int.from_bytes(data[position : position + 4], "big")
        kind, end = data[position + 4 : position + 8], position + 12 + length
        if end > len(data):
            raise truncated("PNG", "IEND chunk", len(data))
        body = data[position + 8 : end - 4]
        if size is None:
            if kind != b"IHDR" or length != 13:
                raise damaged("PNG", "the first chunk is not IHDR")
            size = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        elif kind == b"IHDR":
            raise damaged("PNG", "two IHDR chunks")
        if not kind[0] & 0x20:  # an upper-case first letter marks a critical chunk
            if crc32(body, crc32(kind)) != int.from_bytes(data[end - 4 : end], "big"):
                raise damaged("PNG", f"wrong checksum in {kind.decode('latin-1')}")
            kept.append(data[position:end])
            pictures += kind == b"IDAT"
        if kind == b"eXIf" and not exif:
            exif = body
        if kind == b"iCCP" and not icc:
            icc = inflated(body.partition(b"\0")[2][1:])
        if kind == b"tRNS":
            clear = body
        position = end
        if kind == b"IEND":
            break
    if not pictures:
        raise damaged("PNG", "no picture data (IDAT)")
    return Header("PNG", *size, b"".join(kept), exif, icc, transparency=clear)
