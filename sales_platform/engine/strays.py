"""Files that lie where a feed looks and that no feed reads, so that nobody takes them for loaded. Touches none."""

from __future__ import annotations

from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine import file_systems
from sales_platform.engine.file_patterns import takes
from sales_platform.engine.files import folders
from sales_platform.settings import DataFolder


def strays(data: DataFolder, feed: FileFeedContract) -> tuple[str, ...]:
    """Paths below `data`, ascending, hidden files left out. Beside the file of a feed without partitions anything may
    lie.
    """
    if feed.partitions == "none":
        return ()
    known = [feed.path, *(other.path for other in read_catalog().feeds.values())]
    files, root = file_systems.opened(data)
    found = [
        path[len(root) + 1 :]
        for folder in folders(data, feed.path)
        for path, is_file in file_systems.listing(files, folder)
        if is_file and not path.rsplit("/", 1)[-1].startswith(".")
    ]
    return tuple(sorted(path for path in found if not any(takes(pattern, path) for pattern in known)))
