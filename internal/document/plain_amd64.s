#include "textflag.h"

// func plainBlocks(p *byte, n int) (end int, high uint64)
TEXT ·plainBlocks(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX
	XORQ AX, AX // end
	XORQ R8, R8 // high

	MOVL         $0x1f1f1f1f, BX
	VMOVD        BX, X1
	VPBROADCASTD X1, Y1
	MOVL         $0x22222222, BX
	VMOVD        BX, X2
	VPBROADCASTD X2, Y2
	MOVL         $0x5c5c5c5c, BX
	VMOVD        BX, X3
	VPBROADCASTD X3, Y3
	MOVL         $0x7f7f7f7f, BX
	VMOVD        BX, X4
	VPBROADCASTD X4, Y4
	VPXOR        Y5, Y5, Y5 // all plain bytes, or-ed

loop:
	CMPQ      AX, CX
	JGE       done
	VMOVDQU   (SI)(AX*1), Y6
	VPMINUB   Y1, Y6, Y7 // the bytes up to 0x1f stay as they are
	VPCMPEQB  Y6, Y7, Y7
	VPCMPEQB  Y2, Y6, Y8
	VPCMPEQB  Y3, Y6, Y9
	VPCMPEQB  Y4, Y6, Y10
	VPOR      Y8, Y7, Y7
	VPOR      Y10, Y9, Y9
	VPOR      Y9, Y7, Y7
	VPMOVMSKB Y7, BX
	TESTL     BX, BX
	JNZ       found
	VPOR      Y6, Y5, Y5
	ADDQ      $32, AX
	JMP       loop

found:
	VPMOVMSKB Y6, R8
	LEAL      -1(BX), DX // of these, the bits below the lowest of BX
	ANDL      DX, R8
	NOTL      BX
	ANDL      BX, R8
	NOTL      BX
	BSFL      BX, BX
	ADDQ      BX, AX

done:
	VPMOVMSKB Y5, DX
	ORQ       DX, R8
	MOVQ      AX, end+16(FP)
	MOVQ      R8, high+24(FP)
	VZEROUPPER
	RET

DATA stopBytes<>+0(SB)/4, $0x7f5c221f
GLOBL stopBytes<>(SB), RODATA|NOPTR, $4

// func stopMask(p *byte) (stops, high uint64)
TEXT ·stopMask(SB), NOSPLIT, $0-24
	MOVQ         p+0(FP), SI
	VPBROADCASTB stopBytes<>+0(SB), Y1
	VPBROADCASTB stopBytes<>+1(SB), Y2
	VPBROADCASTB stopBytes<>+2(SB), Y3
	VPBROADCASTB stopBytes<>+3(SB), Y4
	VMOVDQU      (SI), Y6
	VMOVDQU      32(SI), Y11
	VPMINUB      Y1, Y6, Y7 // the bytes up to 0x1f stay as they are
	VPMINUB      Y1, Y11, Y12
	VPCMPEQB     Y6, Y7, Y7
	VPCMPEQB     Y11, Y12, Y12
	VPCMPEQB     Y2, Y6, Y8
	VPCMPEQB     Y2, Y11, Y13
	VPCMPEQB     Y3, Y6, Y9
	VPCMPEQB     Y3, Y11, Y14
	VPCMPEQB     Y4, Y6, Y10
	VPCMPEQB     Y4, Y11, Y15
	VPOR         Y8, Y7, Y7
	VPOR         Y13, Y12, Y12
	VPOR         Y10, Y9, Y9
	VPOR         Y15, Y14, Y14
	VPOR         Y9, Y7, Y7
	VPOR         Y14, Y12, Y12
	VPMOVMSKB    Y7, AX
	VPMOVMSKB    Y12, BX
	VPMOVMSKB    Y6, CX
	VPMOVMSKB    Y11, DX
	SHLQ         $32, BX
	SHLQ         $32, DX
	ORQ          BX, AX
	ORQ          DX, CX
	MOVQ         AX, stops+8(FP)
	MOVQ         CX, high+16(FP)
	VZEROUPPER
	RET
