def watch_show():
    pass


def described():
    return []


def forget():
    pass


def drawn(f):
    pass
