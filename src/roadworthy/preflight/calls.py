"""How our names are written in the libraries that they stand for."""

from __future__ import annotations

LIBRARIES = {
    "opencv": "OpenCV",
    "pillow": "Pillow",
    "torch": "torch",
    "torchvision": "torchvision",
    "skimage": "scikit-image",
    "pyvips": "libvips",
    "swscale": "FFmpeg",
    "tensorflow": "TensorFlow",
}
"""Libraries as their authors write them, by the first word of a resizer's name."""

OF = {"timm": "pillow", "albumentations": "opencv", "transformers": "torchvision"}
"""Whose resizers a library of transforms uses."""


LEGACY = ("-asymmetric", "-align-corners")
"""Ends of the names of what TensorFlow 1 did, which `tf.image.resize` cannot do."""


def library_of(resizer: str) -> str:
    """Return the first word of a resizer's name."""
    return resizer.partition("-")[0]


def call_of(resizer: str) -> str:
    """Return the call that a resizer's name stands for, or the name."""
    library, _, kernel = resizer.partition("-")
    antialias = kernel.endswith("-antialias")
    mode = kernel.removesuffix("-antialias")
    match library:
        case "opencv":
            flag = kernel.upper().replace("-", "_")
            return f"cv2.resize(image, (width, height), interpolation=cv2.INTER_{flag})"
        case "pillow":
            plain, gap, number = kernel.partition("-reducing-gap-")
            more = f", reducing_gap={number}" if gap else ""
            return f"image.resize((width, height), Image.Resampling.{plain.upper()}{more})"
        case "torch":
            return f"torch.nn.functional.interpolate(x, size, mode='{mode}', antialias={antialias})"
        case "torchvision":
            name = mode.upper()
            return f"v2.functional.resize(x, size, InterpolationMode.{name}, antialias={antialias})"
        case "tensorflow" if mode.endswith(LEGACY):
            method, _, corners = mode.partition("-")
            operation = {"nearest": "nearest_neighbor"}.get(method, method)
            aligned = corners == "align-corners"
            return f"tf.compat.v1.image.resize_{operation}(x, size, align_corners={aligned})"
        case "tensorflow":
            return f"tf.image.resize(x, size, method='{mode}', antialias={antialias})"
        case "skimage":
            order = {"nearest": 0, "bilinear": 1, "bicubic": 3}.get(mode, 1)
            return f"skimage.transform.resize(x, size, order={order}, anti_aliasing={antialias})"
        case "pyvips":
            scales = "width / image.width, vscale=height / image.height"
            return f"image.resize({scales}, kernel='{kernel}')"
        case "swscale":
            flag = {"point": "neighbor"}.get(kernel, kernel.replace("-", "_"))
            return f"the filter scale=WIDTH:HEIGHT:flags={flag}"
    return resizer
