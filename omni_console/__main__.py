from __future__ import annotations

from omni_console.cli import main

if __name__ == "__main__":
    main()
