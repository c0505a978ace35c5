"""`python -m scene_recog`, which is also the console script."""

from scene_recog.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
