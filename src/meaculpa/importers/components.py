"""Parts of another status page -> components of ours."""

from collections.abc import Iterable, Mapping

from meaculpa.config import FACT_KEYS, Config
from meaculpa.importers import NewComponent
from meaculpa.importers.naming import component_name, slug, unique


def new_components(systems: Mapping[str, object], config: Config) -> list[NewComponent]:
    """Make components of names (with their group) that the configuration does not know."""
    known = set(config.component_names.values())
    taken = {*config.component_names, *FACT_KEYS}
    components = []
    for raw, group in systems.items():
        name = component_name(raw)
        if name and name not in known:
            component_id = unique(slug(name) or "component", taken)
            taken.add(component_id)
            known.add(name)
            components.append(NewComponent(component_id, name, component_name(group) or None))
    return components


def with_components(config: Config, components: Iterable[NewComponent]) -> Config:
    """The configuration with components added, to check incidents against."""
    added = [{"id": one.id, "name": one.name} for one in components]
    known = [component.model_dump(exclude_none=True) for component in config.components]
    for component in known:
        component.pop("since", None)
    values = {"site": config.site, "components": [*known, *added]}
    return Config.model_validate(values)
