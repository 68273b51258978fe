"""A server that speaks Oracle Net with the real driver, for tests. See README.md."""

from tests.oracle.data import Data
from tests.oracle.errors import OracleError
from tests.oracle.release import ORACLE_19, ORACLE_23, Release
from tests.oracle.server import OracleServer, serving
from tests.oracle.tables import Table
from tests.oracle.times import Moment

__all__ = [
    "ORACLE_19",
    "ORACLE_23",
    "Data",
    "Moment",
    "OracleError",
    "OracleServer",
    "Release",
    "Table",
    "serving",
]
