-- how old the fit is that scores today's customers
select
    parameters.cut_off,
    parameters.model_id,
    parameters.fit_date,
    parameters.as_of_date - parameters.fit_date as fit_age_days,
    parameters.purchases_relative_error
from int_value__parameters as parameters
where parameters.cut_off = 'current'
