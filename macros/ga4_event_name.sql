{#- The name that an event of Google Analytics has in the Segment specification; one that
    it doesn't know keeps its own. -#}
{% macro ga4_event_name(expression) -%}
    {%- set names = {
        'add_payment_info': 'Payment Info Entered',
        'add_to_cart': 'Product Added',
        'add_to_wishlist': 'Product Added to Wishlist',
        'begin_checkout': 'Checkout Started',
        'login': 'Signed In',
        'purchase': 'Order Completed',
        'refund': 'Order Refunded',
        'remove_from_cart': 'Product Removed',
        'search': 'Products Searched',
        'select_item': 'Product Clicked',
        'select_promotion': 'Promotion Clicked',
        'share': 'Product Shared',
        'sign_up': 'Signed Up',
        'view_cart': 'Cart Viewed',
        'view_item': 'Product Viewed',
        'view_item_list': 'Product List Viewed',
        'view_promotion': 'Promotion Viewed',
        'view_search_results': 'Products Searched',
    } -%}
    case {{ expression }}
        {%- for name, segment_name in names.items() %}
        when '{{ name }}' then '{{ segment_name }}'
        {%- endfor %}
        else {{ expression }}
    end
{%- endmacro %}
