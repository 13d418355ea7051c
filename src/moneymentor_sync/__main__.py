"""`python -m moneymentor_sync` is `mmsync`."""

from moneymentor_sync.cli import main

if __name__ == "__main__":
    main()
