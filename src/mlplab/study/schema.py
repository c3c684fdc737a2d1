"""The tables of a study file, and the version they have.

A study file is an SQLite database, so any SQLite tool opens it. One row of ``run`` appears, with
all its epochs, in one transaction, when the run has ended: a process killed at any moment loses at
most the run in flight.
"""

from __future__ import annotations

APPLICATION_ID = 0x6D6C_706C
"""Marks an SQLite file as a study (the bytes ``mlpl`` in its header)."""

SCHEMA_VERSION = 3
"""Rises whenever a table changes its meaning; stored as SQLite's ``user_version``."""

TABLES = """
CREATE TABLE study (            -- one row
    id TEXT NOT NULL,           -- drawn at random when the file is made
    created TEXT NOT NULL,      -- UTC, ISO 8601
    dataset TEXT NOT NULL,      -- JSON: name, source, load_options, fingerprint, n_train, n_test,
                                --       input_shape, class_names, disputed
    validation TEXT NOT NULL,   -- JSON: "test", a number of examples, or a fraction of the
                                --       train set
    labels BLOB NOT NULL        -- test labels, int32 little-endian
);
CREATE TABLE recipe (
    id INTEGER PRIMARY KEY,
    label TEXT NOT NULL UNIQUE,         -- the name; name@fingerprint for a later, changed recipe
    name TEXT NOT NULL,
    fingerprint TEXT NOT NULL,          -- SHA-256 of description
    description TEXT NOT NULL,          -- JSON: layers, loss, optimizer, batch size, epochs
    summary TEXT NOT NULL,              -- what keras.Model.summary() prints
    parameters TEXT NOT NULL,           -- JSON: total, trainable, frozen
    requested INTEGER NOT NULL,         -- rises with each command; the highest of a name is current
    operations INTEGER,                 -- multiply-adds of one example; NULL where not known
    UNIQUE (name, fingerprint)          -- one recipe may stand under two names
);
CREATE TABLE environment (
    id INTEGER PRIMARY KEY,
    content TEXT NOT NULL UNIQUE        -- JSON: versions, machine, threads
);
CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    recipe_id INTEGER NOT NULL REFERENCES recipe (id),
    seed INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('done', 'diverged')),
    engine TEXT NOT NULL,
    environment_id INTEGER NOT NULL REFERENCES environment (id),
    started TEXT NOT NULL,              -- UTC, ISO 8601
    seconds REAL NOT NULL,              -- from building the model to its test outcome
    test_loss REAL,                     -- NULL where it is not a finite number
    test_accuracy REAL,
    outcome BLOB,                       -- packed bits, one a test example: 1 is correct
    probabilities BLOB,                 -- float16 little-endian, (n_test, n_classes)
    model_file TEXT,                    -- path of the kept model, relative to the study file
    vary TEXT NOT NULL DEFAULT 'all',   -- the one stream that has the seed (others: 0), or all
    UNIQUE (recipe_id, seed, vary)
);
CREATE TABLE epoch (
    run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    epoch INTEGER NOT NULL,             -- 1-based
    loss REAL,
    accuracy REAL,
    val_loss REAL,
    val_accuracy REAL,
    seconds REAL NOT NULL,              -- training and validation
    PRIMARY KEY (run_id, epoch)
) WITHOUT ROWID;
CREATE TABLE look (             -- each time that someone was shown scores on the test set
    time TEXT NOT NULL,         -- UTC, ISO 8601
    command TEXT NOT NULL,      -- the command line, or Python
    seen TEXT NOT NULL,         -- which scores
    planned INTEGER NOT NULL DEFAULT 0  -- 1: one of the looks at which seeds auto is decided
);
"""
