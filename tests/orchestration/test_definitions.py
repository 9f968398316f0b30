"""The code location loads, holds exactly these assets, and orders them so."""

import datetime as dt
from itertools import pairwise

import dagster as dg
import pytest
from dagster._core.definitions.dependency import NodeHandle

from orchestration.definitions import defs
from orchestration.defs.record_linkage import keys_before_links

BUILT_HERE = {
    "intermediate/int_as_of_dates",
    "intermediate/int_catalog_products_classified",
    "intermediate/int_consent_signals",
    "intermediate/int_crm_contacts_classified",
    "intermediate/int_customer_attributes_classified",
    "intermediate/int_customer_category_days",
    "intermediate/int_customer_consents",
    "intermediate/int_customer_days",
    "intermediate/int_customer_facts",
    "intermediate/int_customer_facts_by_date",
    "intermediate/int_customer_features_by_date",
    "intermediate/int_customer_id_versions",
    "intermediate/int_customer_identifiers",
    "intermediate/int_customer_keys",
    "intermediate/int_customer_month_facts",
    "intermediate/int_customers",
    "intermediate/int_daily_volumes",
    "intermediate/int_daily_volumes_expected",
    "intermediate/int_erasure_requests_classified",
    "intermediate/int_event_consents_condensed",
    "intermediate/int_event_orders_matched",
    "intermediate/int_event_statuses",
    "intermediate/int_events_classified",
    "intermediate/int_events_rejected",
    "intermediate/int_events_sessionized",
    "intermediate/int_exchange_rates",
    "intermediate/int_fx_rates_classified",
    "intermediate/int_identifier_combinations",
    "intermediate/int_identifier_edges",
    "intermediate/int_identifier_pairs",
    "intermediate/int_identifiers",
    "intermediate/int_identifiers_resolved",
    "intermediate/int_imputable_values",
    "intermediate/int_imputations",
    "intermediate/int_imputed_values",
    "intermediate/int_landed_records",
    "intermediate/int_order_lines_classified",
    "intermediate/int_order_lines_unioned",
    "intermediate/int_order_lines_valued",
    "intermediate/int_orders",
    "intermediate/int_products_unioned",
    "intermediate/int_purchase_events",
    "intermediate/int_rfm_score_bounds",
    "intermediate/int_sessions",
    "intermediate/int_records_counted",
    "intermediate/int_shopify_customers_classified",
    "intermediate/int_shopify_order_lines_unioned",
    "intermediate/int_shopify_orders_classified",
    "intermediate/int_shopify_products_classified",
    "intermediate/int_shopify_refunds_classified",
    "intermediate/int_strong_components",
    "linkage/contact_links",
    "marts/cluster_candidates",
    "marts/cluster_models",
    "marts/cluster_profiles",
    "marts/cluster_scatter_axes",
    "marts/cluster_scatter_points",
    "marts/cohort_retention",
    "marts/customer_attributes",
    "marts/customer_clusters",
    "marts/customer_consents",
    "marts/customer_facts",
    "marts/customer_facts_by_date",
    "marts/customer_features",
    "marts/customer_features_by_date",
    "marts/customer_id_changes",
    "marts/customer_lifetime_values",
    "marts/customer_lifecycle_by_date",
    "marts/customer_months",
    "marts/customer_primary_segments",
    "marts/customer_purchase_summary",
    "marts/customer_rfm",
    "marts/customer_rfm_by_date",
    "marts/customer_rule_segments_by_date",
    "marts/customer_segment_history",
    "marts/customer_segment_months",
    "marts/customer_segments",
    "marts/dim_as_of_dates",
    "marts/dim_customer_segments",
    "marts/dim_customers",
    "marts/dim_dates",
    "marts/dim_products",
    "marts/dim_thresholds",
    "marts/fct_events",
    "marts/fct_order_lines",
    "marts/fct_orders",
    "marts/fct_sessions",
    "marts/identifiers",
    "marts/imputed_values",
    "marts/persona_examples",
    "marts/persona_names",
    "marts/persona_purchases",
    "marts/persona_traits",
    "marts/personas",
    "marts/lifetime_value_backtests",
    "marts/lifetime_value_models",
    "marts/purchase_holdouts",
    "marts/rejected_edges",
    "marts/rejected_rows",
    "marts/rfm_score_bounds",
    "marts/row_accounting",
    "marts/rule_segment_overlaps",
    "marts/schema_drift",
    "marts/segment_assignments",
    "marts/segment_flow_anomalies",
    "marts/segment_forecast_accuracy",
    "marts/segment_forecast_backtests",
    "marts/segment_forecast_intervals",
    "marts/segment_forecast_outcomes",
    "marts/segment_forecasts",
    "marts/segment_forecasts_by_date",
    "marts/segment_memberships",
    "marts/segment_performance",
    "marts/segment_restatements",
    "marts/segment_summary",
    "marts/segment_survival",
    "marts/segment_transitions",
    "marts/source_freshness",
    "marts/threshold_outcomes",
    "marts/threshold_proposals",
    "marts/volume_anomalies",
    "published/report",
    "published/segmentary",
    "python/cluster_candidates",
    "python/cluster_centroids",
    "python/cluster_changes",
    "python/cluster_drift",
    "python/cluster_feature_bins",
    "python/cluster_model_features",
    "python/cluster_models",
    "python/cluster_scatter_axes",
    "python/cluster_scatter_points",
    "python/clusters",
    "python/customer_clusters",
    "python/persona_classifiers",
    "python/persona_importances",
    "python/persona_recognitions",
    "python/customer_lifetime_values",
    "python/lifetime_value_backtests",
    "python/lifetime_value_models",
    "python/threshold_proposals",
    "raw/catalog_products",
    "raw/crm_contacts",
    "raw/erased_records",
    "raw/erasure_requests",
    "raw/erasures",
    "raw/failed_files",
    "raw/file_columns",
    "raw/fx_rates",
    "raw/ga4_events",
    "raw/identifier_salt",
    "raw/load_manifest",
    "raw/pos_order_lines",
    "raw/rejected_lines",
    "raw/segment_events",
    "raw/shopify_customers",
    "raw/shopify_orders",
    "raw/shopify_products",
    "raw/shopify_refunds",
    "raw/suppressed_identifiers",
    "raw/third_party_attributes",
    "seeds/accepted_thresholds",
    "seeds/blocked_identifiers",
    "seeds/bot_user_agents",
    "seeds/charge_products",
    "seeds/consent_purposes",
    "seeds/consent_required_regions",
    "seeds/countries",
    "seeds/imputations",
    "seeds/persona_actions",
    "seeds/persona_rules",
    "seeds/persona_trait_words",
    "seeds/rfm_segments",
    "seeds/rfm_thresholds",
    "seeds/source_cadences",
    "seeds/tunable_thresholds",
    "snapshots/snap_segment_memberships",
    # It holds what withheld events say.
    "staging/int_events_unioned",
    "staging/stg_catalog__products",
    "staging/stg_crm__contacts",
    "staging/stg_erasure__requests",
    "staging/stg_fx__rates",
    "staging/stg_ga4__events",
    "staging/stg_landing__erased_records",
    "staging/stg_landing__file_columns",
    "staging/stg_landing__identifier_salts",
    "staging/stg_landing__loads",
    "staging/stg_landing__rejected_lines",
    "staging/stg_linkage__contact_links",
    "staging/stg_pos__order_lines",
    "staging/stg_python__cluster_candidates",
    "staging/stg_python__cluster_centroids",
    "staging/stg_python__cluster_changes",
    "staging/stg_python__cluster_drift",
    "staging/stg_python__cluster_feature_bins",
    "staging/stg_python__cluster_model_features",
    "staging/stg_python__cluster_models",
    "staging/stg_python__cluster_scatter_axes",
    "staging/stg_python__cluster_scatter_points",
    "staging/stg_python__clusters",
    "staging/stg_python__customer_clusters",
    "staging/stg_python__persona_classifiers",
    "staging/stg_python__persona_importances",
    "staging/stg_python__persona_recognitions",
    "staging/stg_python__customer_lifetime_values",
    "staging/stg_python__lifetime_value_backtests",
    "staging/stg_python__lifetime_value_models",
    "staging/stg_python__threshold_proposals",
    "staging/stg_segment__events",
    "staging/stg_shopify__customers",
    "staging/stg_shopify__order_lines",
    "staging/stg_shopify__orders",
    "staging/stg_shopify__product_variants",
    "staging/stg_shopify__products",
    "staging/stg_shopify__refund_lines",
    "staging/stg_shopify__refunds",
    "staging/stg_third_party__attributes",
}

# Each of a row comes before the next: the spine of the graph, from files to BI.
ORDER = [
    (
        "raw/pos_order_lines",
        "staging/stg_pos__order_lines",
        "intermediate/int_order_lines_classified",
        "intermediate/int_order_lines_valued",
        "intermediate/int_customer_category_days",
        "marts/customer_features_by_date",
        "python/customer_clusters",
        "staging/stg_python__customer_clusters",
        "marts/customer_clusters",
        "marts/segment_memberships",
        "snapshots/snap_segment_memberships",
        "marts/segment_transitions",
        "published/segmentary",
        "published/report",
    ),
    (
        "marts/customer_features_by_date",
        "python/cluster_scatter_points",
        "staging/stg_python__cluster_scatter_points",
        "marts/cluster_scatter_points",
        "published/segmentary",
    ),
    (
        "raw/segment_events",
        "staging/stg_segment__events",
        "staging/int_events_unioned",
        "intermediate/int_event_statuses",
        "intermediate/int_events_classified",
        "intermediate/int_events_sessionized",
        "marts/fct_sessions",
        "published/segmentary",
    ),
    (
        "python/customer_clusters",
        "python/persona_importances",
        "staging/stg_python__persona_importances",
        "marts/persona_traits",
        "marts/persona_names",
        "marts/personas",
        "published/segmentary",
    ),
    ("raw/load_manifest", "staging/stg_landing__loads", "marts/row_accounting"),
    # A new warehouse is ingestion's to make, not that of what depends on nothing.
    ("raw/load_manifest", "seeds/bot_user_agents"),
    ("marts/customer_rfm_by_date", "marts/segment_assignments"),
    (
        "marts/segment_transitions",
        "marts/segment_forecasts_by_date",
        "marts/segment_forecast_accuracy",
    ),
    (
        "intermediate/int_customer_days",
        "marts/customer_months",
        "marts/segment_performance",
    ),
    (
        "marts/purchase_holdouts",
        "python/customer_lifetime_values",
        "staging/stg_python__customer_lifetime_values",
        "marts/customer_lifetime_values",
        "published/segmentary",
    ),
    ("marts/customer_purchase_summary", "python/lifetime_value_models"),
    (
        "seeds/accepted_thresholds",
        "marts/threshold_outcomes",
        "python/threshold_proposals",
        "staging/stg_python__threshold_proposals",
        "marts/threshold_proposals",
        "published/segmentary",
    ),
    ("seeds/accepted_thresholds", "marts/customer_rule_segments_by_date"),
    ("marts/row_accounting", "published/segmentary"),
    (
        "linkage/contact_links",
        "staging/stg_linkage__contact_links",
        "published/segmentary",
    ),
]


@pytest.fixture(scope="module")
def graph():
    return defs.resolve_asset_graph()


def ancestors(graph, name: str) -> set[str]:
    selection = dg.AssetSelection.assets(dg.AssetKey(name.split("/"))).upstream()
    return {key.to_user_string() for key in selection.resolve(graph)}


def test_this_location_builds_exactly_these_assets(graph):
    keys = {key.to_user_string() for key in graph.materializable_asset_keys}
    assert keys == BUILT_HERE


@pytest.mark.parametrize("chain", ORDER, ids=lambda chain: chain[-1])
def test_what_comes_first_comes_first(graph, chain):
    for earlier, later in pairwise(chain):
        assert earlier in ancestors(graph, later)


def test_only_links_that_are_on_wait_for_contacts():
    contacts = ["stg_crm__contacts", "int_crm_contacts_classified"]
    for variable in ({"enabled": True}, {"enabled": "typo"}, None):
        assert [key.path[-1] for key in keys_before_links(variable)] == contacts
    for variable in ({"enabled": False}, {}):
        assert keys_before_links(variable) == []


def test_dbt_is_started_before_and_after_clustering_and_not_once_more():
    steps = [node.name for node in defs.resolve_job_def("segmentary").nodes]
    assert sorted(step for step in steps if step.startswith("dbt_models")) == [
        "dbt_models",
        "dbt_models_2",
    ]


def test_a_step_runs_every_check_of_what_it_builds():
    """Else dagster-dbt copies the whole project folder, state and environment too.

    A test that reads what only a later step builds belongs to an asset of that step
    (`meta: dagster: ref`).
    """
    layer = defs.resolve_job_def("segmentary").asset_layer
    steps = {
        layer.get_assets_def_for_node(NodeHandle(name, None))
        for name in ("dbt_models", "dbt_models_2")
    }
    for step in steps:
        every_check = {
            spec.key for spec in step.node_check_specs_by_output_name.values()
        }
        left_out = {
            check.name
            for check in every_check - set(step.check_keys)
            if check.asset_key in step.keys
        }
        assert left_out == set()


def test_core_never_reads_what_python_wrote(graph):
    upstream = ancestors(graph, "marts/customer_features_by_date")
    assert not {key for key in upstream if key.startswith("python/")}


def test_everything_is_upstream_of_the_published_file(graph):
    # A failed test anywhere keeps a run from being published.
    missing = BUILT_HERE - ancestors(graph, "published/segmentary")
    # The report comes after it, so that a failed one takes nothing back.
    assert missing == {"published/report"}


def test_every_table_is_described_with_its_columns(graph):
    for key in graph.materializable_asset_keys:
        if key.path[0] in ("published", "python", "seeds"):
            continue
        node = graph.get(key)
        assert node.description, key
        if key.path[0] == "marts":
            assert "dagster/column_schema" in node.metadata, key


def test_dbt_tests_are_asset_checks(graph):
    checks = {
        (key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys
    }
    assert ("raw/failed_files", "nothing_failed_to_load") in checks
    assert ("python/customer_clusters", "clusters_are_the_models") in checks
    assert ("python/cluster_drift", "customers_are_the_models") in checks
    assert ("marts/personas", "personas_can_be_told_apart") in checks
    assert ("marts/source_freshness", "sources_are_on_time") in checks
    assert ("marts/volume_anomalies", "volumes_are_as_expected") in checks
    assert ("marts/segment_flow_anomalies", "flows_are_as_expected") in checks
    on_memberships = {
        name for key, name in checks if key == "marts/segment_memberships"
    }
    assert "segment_memberships_are_complete" in on_memberships


def test_one_run_at_a_time_may_open_the_warehouse():
    for assets in defs.assets:
        assert assets.op.pool == "warehouse"


def test_what_a_schedule_asks_for_is_valid():
    moment = dt.datetime(2024, 3, 1, 5, tzinfo=dt.UTC)
    for schedule in defs.schedules:
        with dg.build_schedule_context(scheduled_execution_time=moment) as context:
            requests = schedule.evaluate_tick(context).run_requests
        assert len(requests) == 1
        job = defs.resolve_job_def(schedule.job_name)
        assert dg.validate_run_config(job, requests[0].run_config)
        assert "refit" in str(requests[0].run_config)


def test_schedules_and_sensor_wait_to_be_switched_on():
    names = {schedule.name: schedule.cron_schedule for schedule in defs.schedules}
    assert names == {
        "daily": "0 3 * * *",
        "monthly_refit": "0 5 1 * *",
        "weekly_tests": "0 4 * * 0",
    }
    assert [sensor.name for sensor in defs.sensors] == ["landed_files", "alerts"]
    for definition in [*defs.schedules, *defs.sensors]:
        assert definition.default_status.value == "STOPPED"
