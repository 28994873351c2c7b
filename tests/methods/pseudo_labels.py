"""A method of a user, outside the package: pseudo-labels (Lee, ICML workshop, 2013)."""

from kdlib.methods import AdaptationTask, Losses, Method, MethodSettings


class PseudoLabelsSettings(MethodSettings):
    """What only pseudo-labels have."""

    pseudo_weight: float = 0.1


class PseudoLabels(Method[AdaptationTask, PseudoLabelsSettings], name="pseudo-labels"):
    """The network's own decisions on the target are its labels there."""

    def update(self, step: int) -> Losses:
        images, labels, _ = self.mixed_batch(step)
        source, target = self.answer(images).split(len(labels))
        segmentation = self.segmentation_loss(source, labels)
        pseudo = self.segmentation_loss(target, target.argmax(dim=1))
        self.descend(segmentation + self.settings.pseudo_weight * pseudo)
        return {"segmentation": segmentation.detach(), "pseudo": pseudo.detach()}
