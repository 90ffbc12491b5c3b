module bitvelocity/bench/peer

go 1.21
