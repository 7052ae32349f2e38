import pytest

from otel_mlsec import environment_variables
from otel_mlsec.config import VARIABLES, Config, ConfigError, FeatureSettings, LlmSettings, ModelSettings


def test_defaults_hold_where_nothing_is_said():
    assert Config.load({}) == Config()


def test_environment_is_read_by_type():
    config = Config.load(
        {
            "OTEL_MLSEC_ENABLED": "false",
            "OTEL_MLSEC_REFERENCE": "fraud=fraud.ref, churn = churn.ref",
            "OTEL_MLSEC_DISABLED_INSTRUMENTATIONS": "xgboost, lightgbm",
            "OTEL_MLSEC_QUEUE_ITEMS": "7",
            "OTEL_MLSEC_FALSE_ALARMS_PER_MILLION": "0.5",
        }
    )

    assert config == Config(
        enabled=False,
        reference={"fraud": "fraud.ref", "churn": "churn.ref"},
        disabled_instrumentations=("xgboost", "lightgbm"),
        queue_items=7,
        model=ModelSettings(false_alarms_per_million=0.5),
    )


def test_a_bare_reference_is_for_every_model():
    assert Config.load({"OTEL_MLSEC_REFERENCE": "all.ref"}).reference == {"*": "all.ref"}


def test_arguments_win_over_environment_and_environment_over_the_file(tmp_path):
    file = tmp_path / "mlsec.toml"
    file.write_text('queue_items = 1\nprincipal_header = "x-file"\n[models.fraud.features.amount]\ntolerance = 0.2\n')
    environ = {"OTEL_MLSEC_CONFIG": str(file), "OTEL_MLSEC_QUEUE_ITEMS": "2"}

    config = Config.load(environ, principal_header="x-given")

    assert (config.queue_items, config.principal_header) == (2, "x-given")
    assert config.of("fraud").features == {"amount": FeatureSettings(tolerance=0.2)}
    assert config.of("other") == ModelSettings()


def test_one_number_in_the_environment_leaves_the_files_other_settings_of_the_model(tmp_path):
    file = tmp_path / "mlsec.toml"
    file.write_text("[model]\nfalse_alarms_per_million = 3.0\n")

    config = Config.load({"OTEL_MLSEC_CONFIG": str(file), "OTEL_MLSEC_TOLERANCE": "0.1"})

    assert config.model == ModelSettings(false_alarms_per_million=3.0, tolerance=0.1)


def test_settings_of_language_models_come_from_their_own_table_and_variables(tmp_path):
    file = tmp_path / "mlsec.toml"
    llm = '[llm]\nfalse_alarms_per_million = 50.0\nallowed_hosts = ["a.example"]\n'
    file.write_text(f'{llm}[enforce]\n"llm/jailbreak" = "replace"\n')

    config = Config.load({"OTEL_MLSEC_CONFIG": str(file), "OTEL_MLSEC_LLM_FALSE_ALARMS_PER_MILLION": "10"})
    enforced = Config.load({"OTEL_MLSEC_ENFORCE": "llm/injection=raise, llm/hidden_text = replace"})

    assert config.llm == LlmSettings(false_alarms_per_million=10.0, allowed_hosts=("a.example",))
    assert config.enforce == {"llm/jailbreak": "replace"}
    assert enforced.enforce == {"llm/injection": "raise", "llm/hidden_text": "replace"}


def test_a_models_own_table_is_on_top_of_that_of_every_model(tmp_path):
    file = tmp_path / "mlsec.toml"
    file.write_text("[model]\nfalse_alarms_per_million = 3.0\ntolerance = 0.5\n[models.fraud]\ntolerance = 0.2\n")

    config = Config.load({"OTEL_MLSEC_CONFIG": str(file), "OTEL_MLSEC_FALSE_ALARMS_PER_MILLION": "2"})

    assert config.of("fraud") == ModelSettings(false_alarms_per_million=2.0, tolerance=0.2)
    assert config.of("other") == ModelSettings(false_alarms_per_million=2.0, tolerance=0.5)


@pytest.mark.parametrize("settings", [{"queue_items": "7"}, {"queue_items": True}, {"gauge_series": -1}])
def test_a_config_made_by_hand_is_checked_too(settings):
    with pytest.raises(ConfigError, match=f"{next(iter(settings))} must be in "):
        Config(**settings)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("OTEL_MLSEC_REFERENCES", "x", "OTEL_MLSEC_REFERENCES is not a setting; those are OTEL_MLSEC_"),
        ("OTEL_MLSEC_ENABLED", "yes", "OTEL_MLSEC_ENABLED must be true or false, got 'yes'"),
        ("OTEL_MLSEC_QUEUE_ITEMS", "many", "OTEL_MLSEC_QUEUE_ITEMS must be a whole number, got 'many'"),
        ("OTEL_MLSEC_QUEUE_ITEMS", "0", r"queue_items must be in \[1, 1048576\], got 0"),
        ("OTEL_MLSEC_TOLERANCE", "-1", r"model.tolerance must be in \[0, 10\], got -1.0"),
        ("OTEL_MLSEC_TOLERANCE", "nan", "model.tolerance must be in"),
        ("OTEL_MLSEC_REFERENCE", "fraud=", "OTEL_MLSEC_REFERENCE must be a file, or model=file,model=file, got 'fraud='"),
        ("OTEL_MLSEC_CONFIG", "nowhere.toml", "OTEL_MLSEC_CONFIG must name a readable TOML file, got 'nowhere.toml'"),
        ("OTEL_MLSEC_KEY", "short", "key must have at least 16 bytes, got 5$"),
        ("OTEL_MLSEC_SPAN_HOLD", "-1", r"span_hold must be in \[0, 60\], got -1"),
        ("OTEL_MLSEC_LLM_FALSE_ALARMS_PER_MILLION", "0", r"llm.false_alarms_per_million must be in \[1e-06, 100000\], got 0"),
        ("OTEL_MLSEC_LLM_OFF", "no", "OTEL_MLSEC_LLM_OFF must be true or false, got 'no'"),
        ("OTEL_MLSEC_ENFORCE", "raise", "OTEL_MLSEC_ENFORCE must be detector=action,detector=action, got 'raise'"),
        (
            "OTEL_MLSEC_ENFORCE",
            "llm/cost=raise",
            "enforce must be of llm/injection, llm/jailbreak, llm/hidden_text, got 'llm/cost'",
        ),
        ("OTEL_MLSEC_ENFORCE", "llm/injection=deny", "enforce.llm/injection must be raise or replace, got 'deny'"),
        ("OTEL_MLSEC_CLASSIFIER", "m.onnx", "classifier and classifier_tokenizer must be given together, got 'm.onnx' and ''"),
    ],
)
def test_what_cannot_be_used_is_refused_with_key_allowed_and_value(variable, value, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Config.load({variable: value})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("queue_item = 1", "queue_item is not a setting; here those are capture_content, classifier, "),
        ("queue_items = true", "queue_items must be a whole number, got True"),
        ('[models.fraud]\ntolerance = "much"', "models.fraud.tolerance must be a number, got 'much'"),
        ("[models.fraud.features.a]\nlimit = 1", "models.fraud.features.a.limit is not a setting"),
        ("models = 3", "models must be a table, got 3"),
        ('disabled_instrumentations = "xgboost"', "disabled_instrumentations must be a list of names"),
        ("key = 12345678901234567", "key must be text, got a secret"),
        ("not toml", "none: "),
    ],
)
def test_a_wrong_file_is_refused_with_the_path_of_the_key(tmp_path, text, sentence):
    file = tmp_path / "mlsec.toml"
    file.write_text(text)

    with pytest.raises(ConfigError, match=sentence):
        Config.load({"OTEL_MLSEC_CONFIG": str(file)})


def test_an_unknown_argument_is_refused():
    with pytest.raises(ConfigError, match=r"instrument\(\) has no setting 'refrence'; it knows "):
        Config.load({}, refrence="x")


def test_secrets_are_not_in_the_repr():
    assert "sesame" not in repr(Config(key="open sesame, please", reference_key="sesame sesame sesame"))


def test_every_variable_has_a_constant_for_the_command_line():
    constants = {value for name, value in vars(environment_variables).items() if name.startswith("OTEL_")}
    takes_text = {v for v in VARIABLES if not v.endswith(("_MODEL", "_MODELS"))}

    assert constants == takes_text


def test_headers_of_proxies_are_settings_of_their_own_and_none_is_believed_by_default():
    config = Config.load({"OTEL_MLSEC_SOURCE_HEADER": "X-ASN", "OTEL_MLSEC_FORWARDED_HEADER": "X-Forwarded-For"})

    assert (config.source_header, config.forwarded_header) == ("X-ASN", "X-Forwarded-For")
    assert (Config().source_header, Config().forwarded_header) == ("", "")
