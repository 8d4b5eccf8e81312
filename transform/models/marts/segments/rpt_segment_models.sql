with

fits as (

    select * from {{ ref('int_segments__fits') }}

),

models as (

    select * from {{ ref('int_segments__models') }}

),

listed as (

    select
        fits.segment_name,
        fits.outcome,
        fits.model_id,
        fits.as_of_date,
        fits.trained_at,
        fits.definition,
        fits.status,
        fits.status = 'published' as is_published,
        models.model_id is not null as is_in_force,
        fits.reason,
        fits.trained_on_date,
        fits.judged_on_date,
        fits.horizon_days,
        fits.train_customers,
        fits.train_share,
        fits.judge_customers,
        fits.judge_share,
        fits.lift,
        fits.rfm_lift,
        fits.auc,
        fits.rfm_auc,
        fits.brier,
        fits.calibration_slope,
        fits.calibration_intercept,
        fits.calibration,
        {% for name in segment_features() %}
            fits.{{ name }}_weight,
        {% endfor %}
        fits.intercept
    from fits
    left join models on fits.model_id = models.model_id and fits.outcome = models.outcome

)

select * from listed
