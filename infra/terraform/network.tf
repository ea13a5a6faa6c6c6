# Only for Aurora. With an external Postgres the functions live outside any VPC,
# which costs nothing and starts faster.

data "aws_availability_zones" "available" {
  count = local.aurora ? 1 : 0

  state = "available"
}

locals {
  aurora = var.database == "aurora"
  # A subnet group wants two zones.
  zones     = local.aurora ? slice(data.aws_availability_zones.available[0].names, 0, 2) : []
  nat_zones = slice(local.zones, 0, min(length(local.zones), var.aurora.nat_per_zone ? length(local.zones) : 1))
}

resource "aws_vpc" "main" {
  count = local.aurora ? 1 : 0

  cidr_block           = var.aurora.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = local.name }
}

resource "aws_subnet" "public" {
  count = length(local.zones)

  vpc_id            = aws_vpc.main[0].id
  availability_zone = local.zones[count.index]
  cidr_block        = cidrsubnet(var.aurora.cidr, 4, count.index)
  tags              = { Name = "${local.name}-public-${local.zones[count.index]}" }
}

resource "aws_subnet" "private" {
  count = length(local.zones)

  vpc_id            = aws_vpc.main[0].id
  availability_zone = local.zones[count.index]
  cidr_block        = cidrsubnet(var.aurora.cidr, 4, 4 + count.index)
  tags              = { Name = "${local.name}-private-${local.zones[count.index]}" }
}

resource "aws_internet_gateway" "main" {
  count = local.aurora ? 1 : 0

  vpc_id = aws_vpc.main[0].id
  tags   = { Name = local.name }
}

resource "aws_route_table" "public" {
  count = local.aurora ? 1 : 0

  vpc_id = aws_vpc.main[0].id
  tags   = { Name = "${local.name}-public" }
}

resource "aws_route" "public" {
  count = local.aurora ? 1 : 0

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main[0].id
}

resource "aws_route_table_association" "public" {
  count = length(local.zones)

  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public[0].id
}

# The functions call networks and models on the internet, so a VPC needs NAT.
resource "aws_eip" "nat" {
  count = length(local.nat_zones)

  domain = "vpc"
  tags   = { Name = "${local.name}-nat-${local.nat_zones[count.index]}" }
}

resource "aws_nat_gateway" "main" {
  count = length(local.nat_zones)

  allocation_id = aws_eip.nat[count.index].id
  subnet_id     = aws_subnet.public[count.index].id
  tags          = { Name = "${local.name}-${local.nat_zones[count.index]}" }

  depends_on = [aws_internet_gateway.main]
}

resource "aws_route_table" "private" {
  count = length(local.zones)

  vpc_id = aws_vpc.main[0].id
  tags   = { Name = "${local.name}-private-${local.zones[count.index]}" }
}

resource "aws_route" "private" {
  count = length(local.zones)

  route_table_id         = aws_route_table.private[count.index].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.main[min(count.index, length(local.nat_zones) - 1)].id
}

resource "aws_route_table_association" "private" {
  count = length(local.zones)

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private[count.index].id
}

# Free, and keeps media off the NAT's meter.
resource "aws_vpc_endpoint" "s3" {
  count = local.aurora ? 1 : 0

  vpc_id            = aws_vpc.main[0].id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = aws_route_table.private[*].id
}

resource "aws_security_group" "function" {
  count = local.aurora ? 1 : 0

  name        = "${local.name}-function"
  description = "The functions: nothing comes in."
  vpc_id      = aws_vpc.main[0].id
}

# Networks, models and sources move between addresses; sources may be plain http.
resource "aws_vpc_security_group_egress_rule" "web" {
  for_each = local.aurora ? { http = 80, https = 443 } : {}

  security_group_id = aws_security_group.function[0].id
  description       = "Out to the web (${each.key})."
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "database" {
  count = local.aurora ? 1 : 0

  security_group_id            = aws_security_group.function[0].id
  description                  = "To the database."
  referenced_security_group_id = aws_security_group.database[0].id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_security_group" "database" {
  count = local.aurora ? 1 : 0

  name        = "${local.name}-database"
  description = "The database: the functions, and whoever shares their group, come in."
  vpc_id      = aws_vpc.main[0].id
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  count = local.aurora ? 1 : 0

  security_group_id            = aws_security_group.database[0].id
  description                  = "From the functions."
  referenced_security_group_id = aws_security_group.function[0].id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
