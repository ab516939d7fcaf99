package engine
import ("testing";"fmt")
func TestZZ(t *testing.T){
 for _, o := range []OpenOptions{{Immutable:true},{}} {
 for _, q := range []string{"PRAGMA integrity_check","PRAGMA quick_check","PRAGMA main.quick_check(1000)","PRAGMA integrity_check(t)"} {
  c,err:=Open(t.Context(),"/tmp/h3/a.db",o); if err!=nil {t.Fatal(err)}
  fmt.Println(q, rows(t,c,q)); c.Close()
 }}
}
