"""What the settings of the methods change: the sweeps of a study."""

import numpy as np
import pandas as pd

from kdlib.evidence.adapting import by_number
from kdlib.evidence.choosing import home_dice
from kdlib.record.results import Results

AT_HOME, AWAY, VOLUME = "Dice at home", "Dice on the target", "Volume (%)"
COLUMNS = ["Arm", "Setting", "Value", AT_HOME, AWAY, VOLUME]


def tuned_table(results: Results) -> pd.DataFrame:
    """Each row is one value of a setting that was swept, a mean over pairs, subjects and seeds.

    ``Volume (%)`` is the marked volume on the target as a share of the true one, as a geometric
    mean.
    """
    scores = results.all_scores
    rows = []
    for sweep in results.study["sweeps"]:
        arm, setting = sweep["arm"], sweep["setting"]
        volume = by_number(scores, arm, setting, "log_volume_ratio").mean(axis=1)
        means = {
            AT_HOME: home_dice(scores, arm, setting),
            AWAY: by_number(scores, arm, setting).mean(axis=1),
            VOLUME: 100 * np.exp(volume),
        }
        of = {"Arm": results.arms[arm].label, "Setting": setting}
        rows.append(pd.DataFrame(means).rename_axis("Value").reset_index().assign(**of))
    return pd.concat(rows, ignore_index=True)[COLUMNS] if rows else pd.DataFrame(columns=COLUMNS)


def tuned_words(table: pd.DataFrame) -> str:
    """How far the Dice on the target moves with each setting, and what home would choose."""
    if table.empty:
        return "These results have no arm that was run at several values of a setting."
    said = []
    for (arm, setting), rows in table.groupby(["Arm", "Setting"], sort=False):
        ordered, at_home = rows.sort_values(AWAY), rows.dropna().sort_values(AT_HOME)
        worst, best = ordered.iloc[0], ordered.iloc[-1]
        name = str(setting).replace("_", " ")
        words = (
            f"With the {name} of {arm} the mean Dice on the target goes from {worst[AWAY]:.3f} (at"
            f" {worst['Value']:g}) to {best[AWAY]:.3f} (at {best['Value']:g})"
        )
        if len(at_home):
            words += f"; the Dice at home is best at {at_home.iloc[-1]['Value']:g}"
        said.append(f"{words}.")
    return f"{' '.join(said)} These are means without a test; the ledger tests them."
