"""Linear regression, logistic regression and a network of two layers: losses and their gradients, in NumPy."""

import numpy as np


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


# --- linear regression with a ridge -----------------------------------------------------------


def ridge_loss(X: np.ndarray, y: np.ndarray, w: np.ndarray, l: float) -> float:
    r = X @ w - y
    return r @ r + l * (w @ w)


def ridge_gradient(X: np.ndarray, y: np.ndarray, w: np.ndarray, l: float) -> np.ndarray:
    return 2 * X.T @ (X @ w - y) + 2 * l * w


def ridge_hessian(X: np.ndarray, l: float) -> np.ndarray:
    return 2 * X.T @ X + 2 * l * np.eye(X.shape[1])


# --- logistic regression, labels +1 and -1 ----------------------------------------------------


def logistic_loss(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    return np.logaddexp(0, -y * (X @ w)).sum()


def logistic_gradient(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> np.ndarray:
    return -X.T @ (y * sigmoid(-y * (X @ w)))


# --- two layers with relu ---------------------------------------------------------------------


def network_loss(W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    h = np.maximum(W1 @ x + b1, 0)
    r = W2 @ h - y
    return r @ r / 2


def network_gradients(
    W1: np.ndarray, b1: np.ndarray, W2: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients by W1, b1 and W2."""
    z = W1 @ x + b1
    h = np.maximum(z, 0)
    r = W2 @ h - y
    dz = (W2.T @ r) * (z > 0)
    return np.outer(dz, x), dz, np.outer(r, h)
