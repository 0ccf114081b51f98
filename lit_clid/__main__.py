"""`python -m lit_clid`: the command `lit-clid`."""

from lit_clid.commands.line import main

if __name__ == "__main__":
    main()
