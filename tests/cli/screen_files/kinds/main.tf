# The role of the shop.
resource "alicloud_ram_role" "shop" {
  role_name = "shop"
}
