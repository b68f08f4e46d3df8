import numpy as np


def gradient(X, y, w):
    return X.T @ (y / (1 + np.exp(y * (X @ w))))
