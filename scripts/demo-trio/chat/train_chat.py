"""../train.py with the task and the stages of this folder: python3 train_chat.py CHECKPOINTS [--only NAME ...]"""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

import train

if __name__ == "__main__":
    train.main()
