// The cached product read with net/http and encoding/json: products in a map, encoded for each request.
// peer PORT PRODUCT.json
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
)

type price struct {
	Currency   string `json:"currency"`
	MinorUnits string `json:"minorUnits"`
}

type product struct {
	Sku         string  `json:"sku"`
	Name        string  `json:"name"`
	Description string  `json:"description"`
	Category    string  `json:"category"`
	Prices      []price `json:"prices"`
	OnSale      bool    `json:"onSale"`
	Etag        string  `json:"etag,omitempty"`
	CreateTime  string  `json:"createTime"`
	UpdateTime  string  `json:"updateTime"`
}

func main() {
	text, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	var known product
	if err := json.Unmarshal(text, &known); err != nil {
		log.Fatal(err)
	}
	var lock sync.RWMutex
	cache := map[string]*product{known.Sku: &known}
	http.HandleFunc("/v1/products/", func(w http.ResponseWriter, r *http.Request) {
		lock.RLock()
		found := cache[strings.TrimPrefix(r.URL.Path, "/v1/products/")]
		lock.RUnlock()
		if found == nil {
			http.NotFound(w, r)
			return
		}
		body, err := json.Marshal(found)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
