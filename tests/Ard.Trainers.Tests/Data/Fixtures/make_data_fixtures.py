"""Makes the small arrays and pickles of NpyTests and CifarPythonTests. Recorded with NumPy 1.24 (Debian's python3-numpy)."""
import os
import pickle

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))


def at(name):
    return os.path.join(here, name)


images = (np.arange(4 * 4 * 5) * 7 % 256).astype(np.uint8).reshape(4, 4, 5)
labels = np.array([0, 2, 1, 2])
colour = (np.arange(4 * 4 * 5 * 3) * 11 % 256).astype(np.uint8).reshape(4, 4, 5, 3)
# As Keras packs MNIST, and as MedMNIST packs its sets, compressed and with labels [N,1].
np.savez(at("mnist-like.npz"), x_train=images[::-1], y_train=np.array([3, 0, 1, 2]), x_test=images, y_test=labels)
np.savez_compressed(at("packed.npz"), train_images=colour, train_labels=labels.reshape(4, 1).astype(np.uint8), val_images=colour[:1],
                    val_labels=labels[:1].reshape(1, 1), test_images=colour, test_labels=labels.reshape(4, 1).astype(np.uint8))
np.save(at("x_test.npy"), images)
np.save(at("labels.npy"), labels.astype(np.uint8))
np.save(at("channels_last.npy"), colour.astype(np.float64) / 255)
np.save(at("fortran.npy"), np.asfortranarray(colour.transpose(0, 3, 1, 2).astype(np.float32) / 255))
np.save(at("whole.npy"), colour.astype(np.int32))
np.save(at("objects.npy"), np.array([None, 1], dtype=object), allow_pickle=True)
np.save(at("big_endian.npy"), images.astype(">f4"))
np.save(at("floats_to_255.npy"), images.astype(np.float32))

# Two rows of CIFAR-10's test_batch, as Python 3 pickles what it has read with encoding="bytes".
rows = (np.arange(2 * 3072) % 251).astype(np.uint8).reshape(2, 3072)
with open(at("cifar-python3.pkl"), "wb") as file:
    pickle.dump({b"batch_label": b"testing batch 1 of 1", b"labels": [3, 9], b"data": rows, b"filenames": [b"a.png", b"b.png"]}, file, 2)
