def gradient(X, y, w):
    X.T @ y
