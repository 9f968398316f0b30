-- Reading the columns that the tables need, and nothing else: what all is measured by.
select
    count("messageId"), count("anonymousId"), count("userId"), count("type"),
    count("event"), count("name"), count("timestamp"), count("receivedAt"),
    count(context."userAgent"), count(context.page.path), count(context.page.referrer),
    count(context.campaign.source), count(context.campaign.medium),
    count(context.campaign.name), count(context.device.type),
    count(context.location.country), count(context.traits.email),
    count(properties.product_id), count(properties.category), count(properties.price),
    count(properties.quantity), count(properties.currency), count(properties.order_id),
    count(properties.revenue)
from read_parquet(getvariable('events'));

select count(columns(*)) from read_parquet(getvariable('order_lines'));
