"""Pictures of images, curves and scores: matplotlib figures and PNG sheets."""
