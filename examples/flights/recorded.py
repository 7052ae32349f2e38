"""What the model of `train.py` was asked from March to December, as a service might have recorded it: `build/served.parquet`."""

from data import flights
from train import BUILD


def main() -> None:
    BUILD.mkdir(exist_ok=True)
    flights().query("month > 2").to_parquet(BUILD / "served.parquet", index=False)


if __name__ == "__main__":
    main()
