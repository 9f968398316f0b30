{#- Hash of a JSON record's content: of its line as it arrived, or, for a row of a Parquet
    file, of its columns and of what no column was declared for. Equal content has equal
    keys within one format. It reads the whole record, so leave it out where copies of an
    id needn't be told apart. -#}
{% macro content_key(columns) -%}
    case
        when record is null then {{ hash_key(columns + ['_extra_columns']) }}
        else {{ hash_key(['record']) }}
    end
{%- endmacro %}
