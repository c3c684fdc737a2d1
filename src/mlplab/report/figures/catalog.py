"""The tables of a report's figures. To add one, write its function and an entry here.

Those of recipes side by side are in ``catalog_compared``.
"""

from __future__ import annotations

from mlplab.report.figures.calibration import reliability_diagram
from mlplab.report.figures.curves import accuracy_curves, loss_curves, published_loss
from mlplab.report.figures.entry import FigureEntry
from mlplab.report.figures.outcomes import (
    accuracy_over_seeds,
    confusion_matrix,
    seconds_per_epoch,
)
from mlplab.report.figures.pictures import first_layer, picture_gallery, samples_on_black
from mlplab.report.figures.violins import weight_violins

STUDY_FIGURES: dict[str, FigureEntry] = {
    "accuracy": FigureEntry(
        draw=accuracy_over_seeds,
        needs=("frame", "published"),
        title="Test accuracy, every run",
        alt="Dot plot of test accuracy, a row a network. {each_accuracy}",
        caption="A dot is one run, a bar the mean of a network{published_mark}. {scale_note}",
        height=2.8,
    ),
    "seconds": FigureEntry(
        draw=seconds_per_epoch,
        needs=("history",),
        title="Seconds an epoch",
        alt="Dot plot of the seconds each epoch took, a row a network. {each_seconds}",
        caption="A dot is one epoch of one run. Hollow squares are first epochs: they include the "
        "wait until Keras has compiled the training step. Bars are medians of the later ones.",
        height=2.8,
    ),
    "samples": FigureEntry(
        draw=samples_on_black,
        needs=("images", "labels", "class_names"),
        title="Ten training examples of each class",
        alt="Grid of training images of {dataset}, a row a class, ten examples each.",
        caption="The first ten of each class in the training set.",
        height=4.2,
    ),
}
"""Figures of a whole study, by name."""

NETWORK_FIGURES: dict[str, FigureEntry] = {
    "loss": FigureEntry(
        draw=loss_curves,
        needs=("history", "loss_name", "validation_name"),
        title="Loss against epoch",
        alt="Line chart of loss against epoch for {label}, {runs}. Training loss goes from "
        "{loss_first} to {loss_last}, loss on {validation} from {val_loss_first} to "
        "{val_loss_last}.",
        caption="Training loss is a mean over an epoch while the weights still change and any "
        "dropout is on; validation loss is taken after it with dropout off. So the dashed line can "
        "lie below. {validation_caption} {band_caption}",
    ),
    "accuracy": FigureEntry(
        draw=accuracy_curves,
        needs=("history", "validation_name"),
        title="Accuracy against epoch",
        alt="Line chart of accuracy against epoch for {label}, {runs}. Training accuracy goes from "
        "{accuracy_first} to {accuracy_last}, accuracy on {validation} from "
        "{val_accuracy_first} to {val_accuracy_last}.",
        caption="A training line far above the dashed one is overfitting: the network knows its "
        "training examples better than new ones. {validation_caption}",
    ),
    "published": FigureEntry(
        draw=published_loss,
        needs=("history", "published_loss", "loss_name"),
        title="Training loss over the published curve",
        alt="Line chart of training loss against epoch for {label}: here {loss_first} after the "
        "first epoch, published {published_first}.",
        caption="The dotted line is what the notebook printed, from its one run. {published_note}",
    ),
    "seeds": FigureEntry(
        draw=accuracy_over_seeds,
        needs=("own_frame", "published"),
        title="Test accuracy over seeds",
        alt="Dot plot of the test accuracy of {label}: {accuracy_words}.",
        caption="A dot is one run, seeds from top to bottom; the bar is their mean"
        "{published_mark}. Only chance differs between the dots: initial weights, the order of "
        "the examples, dropout{split_words}.",
        height=1.7,
    ),
    "confusion": FigureEntry(
        draw=confusion_matrix,
        needs=("confusion", "class_names"),
        title="What is taken for what",
        alt="Confusion matrix of {label} on the test set, a mean over {runs}. {confusion_words}",
        caption="Rows are the truth, columns the answer, numbers are test examples (mean over "
        "{runs}). Colour is for mistakes alone.",
        height=3.9,
    ),
    "reliability": FigureEntry(
        draw=reliability_diagram,
        needs=("calibration",),
        title="How sure, and how often right",
        alt="Reliability diagram of {label} over {runs}. {calibration_words}",
        caption="On the dotted diagonal a network is right as often as it says; under it, it is "
        "too sure. Lines are 95 % intervals over seeds; a hollow point has fewer than ten examples "
        "a run. The dashed steps are the share of the examples. {calibration_words}",
        height=3.4,
    ),
    "misread": FigureEntry(
        draw=picture_gallery,
        needs=("always_misread",),
        title="Misread by every seed",
        alt="{always_words}",
        caption="{always_caption} Under each picture: its number in the test set and its label, "
        "then the answers with how many runs gave them. {disputed_caption}",
        height=7.4,
    ),
    "flipping": FigureEntry(
        draw=picture_gallery,
        needs=("flipping",),
        title="Read right or wrong, as the seed will have it",
        alt="{flipping_words}",
        caption="{flipping_caption} {disputed_caption}",
        height=7.4,
    ),
    "weights": FigureEntry(
        draw=weight_violins,
        needs=("weights",),
        title="Trained weights of each layer",
        alt="Violin plot of the trained weights of {label}, seed {kept_seed}, a violin a layer. "
        "{weight_words}",
        caption="The wider a violin, the more weights have that value; dashes mark quartiles. "
        "Under each: the layer's place, its inputs → its units. Seed {kept_seed}.",
    ),
    "first-layer": FigureEntry(
        draw=first_layer,
        needs=("first_kernel", "image_shape", "unit_names"),
        title="What the first layer looks at",
        alt="The first-layer weights of {label}, seed {kept_seed}, as {n_pictures} pictures, one a "
        "unit; blue is positive, orange negative.",
        caption="Each picture is one unit's weights, laid out as its input pixels. Ink on blue "
        "raises the unit's output, ink on orange lowers it. {units_caption} Seed {kept_seed}.",
        height=3.8,
    ),
}
"""Figures of one network, by name."""
