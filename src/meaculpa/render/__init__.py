"""Site -> files in memory: pages, banner, splash page, sitemaps. No disk, no network, no clock."""
