locals {
  public_url = var.domain == null ? aws_apigatewayv2_api.http.api_endpoint : "https://${var.domain.name}"
}

resource "aws_apigatewayv2_api" "http" {
  name          = local.name
  description   = "The API and the dashboard."
  protocol_type = "HTTP"
  # With a domain of its own there is one way in.
  disable_execute_api_endpoint = var.domain != null
}

resource "aws_apigatewayv2_integration" "function" {
  for_each = local.routes

  api_id                 = aws_apigatewayv2_api.http.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = aws_lambda_alias.live[each.value.function].invoke_arn
  payload_format_version = each.value.properties.PayloadFormatVersion
  timeout_milliseconds   = each.value.properties.TimeoutInMillis
}

resource "aws_apigatewayv2_route" "function" {
  for_each = local.routes

  api_id    = aws_apigatewayv2_api.http.id
  route_key = each.value.key
  target    = "integrations/${aws_apigatewayv2_integration.function[each.key].id}"
}

resource "aws_lambda_permission" "http" {
  for_each = local.routes

  statement_id  = "http-${each.value.name}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function[each.value.function].function_name
  qualifier     = aws_lambda_alias.live[each.value.function].name
  principal     = "apigateway.amazonaws.com"
  # Any stage of this API and no other API.
  source_arn = "${aws_apigatewayv2_api.http.execution_arn}/*/*"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.http.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit    = var.throttle.rate
    throttling_burst_limit   = var.throttle.burst
    detailed_metrics_enabled = true
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.http.arn
    # Path, never the query: an OAuth callback carries its code there.
    format = jsonencode({
      time        = "$context.requestTime"
      request_id  = "$context.requestId"
      address     = "$context.identity.sourceIp"
      method      = "$context.httpMethod"
      path        = "$context.path"
      status      = "$context.status"
      bytes       = "$context.responseLength"
      latency_ms  = "$context.responseLatency"
      integration = "$context.integrationErrorMessage"
    })
  }
}

resource "aws_acm_certificate" "domain" {
  count = var.domain == null ? 0 : 1

  domain_name       = var.domain.name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  count = var.domain == null ? 0 : 1

  zone_id = var.domain.zone_id
  name    = tolist(aws_acm_certificate.domain[0].domain_validation_options)[0].resource_record_name
  type    = tolist(aws_acm_certificate.domain[0].domain_validation_options)[0].resource_record_type
  records = [tolist(aws_acm_certificate.domain[0].domain_validation_options)[0].resource_record_value]
  ttl     = 300
}

resource "aws_acm_certificate_validation" "domain" {
  count = var.domain == null ? 0 : 1

  certificate_arn         = aws_acm_certificate.domain[0].arn
  validation_record_fqdns = [aws_route53_record.validation[0].fqdn]
}

resource "aws_apigatewayv2_domain_name" "domain" {
  count = var.domain == null ? 0 : 1

  domain_name = var.domain.name

  domain_name_configuration {
    certificate_arn = aws_acm_certificate_validation.domain[0].certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "domain" {
  count = var.domain == null ? 0 : 1

  api_id      = aws_apigatewayv2_api.http.id
  domain_name = aws_apigatewayv2_domain_name.domain[0].id
  stage       = aws_apigatewayv2_stage.default.id
}

resource "aws_route53_record" "domain" {
  count = var.domain == null ? 0 : 1

  zone_id = var.domain.zone_id
  name    = var.domain.name
  type    = "A"

  alias {
    name                   = aws_apigatewayv2_domain_name.domain[0].domain_name_configuration[0].target_domain_name
    zone_id                = aws_apigatewayv2_domain_name.domain[0].domain_name_configuration[0].hosted_zone_id
    evaluate_target_health = false
  }
}
